"""Calibration: what labels teach is measured on texts outside the fit, copies prove nothing, and the shipped head stays as it is."""

import base64
import json
import random
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.detectors import (
    CalibratedHead,
    Calibration,
    CalibrationInvalid,
    HeadDetector,
    Labels,
    LabelsInvalid,
    NoOperatingPoint,
    Outcome,
    Registry,
    calibrate,
    prepare,
    read_labels,
)
from fairlead.detectors.calibrator import allowed, cut, least_benign, most_probable
from fairlead.detectors.duplicates import clusters
from fairlead.statistics import clopper_pearson

WORDS = (
    "harbour farm hall wing cart chapel hill pond garden chair river book fence map bell lamp road table window kettle basket stone wheel"
    " ladder blanket candle orchard bridge shelf drawer curtain carpet button ribbon saddle hammer needle barrel"
).split()
GOOD = "planting counting naming sorting watering painting folding ringing".split()
BAD = "draining jamming flooding scattering blunting hiding tearing spoiling".split()


def sentences(verbs: list[str], n: int, seed: int) -> list[str]:
    """Texts of a site whose harm no public collection knows."""
    drawn = random.Random(seed)
    return [" ".join([*drawn.sample(WORDS, 4), drawn.choice(verbs), *drawn.sample(WORDS, 4), drawn.choice(verbs)]) for _ in range(n)]


def file_of(unsafe: list[str], benign: list[str], **more: str) -> bytes:
    rows = [{"text": text, "label": "unsafe", **more} for text in unsafe] + [{"text": text, "label": "benign", **more} for text in benign]
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.fixture(scope="module")
def head() -> HeadDetector:
    return Registry.load().head("harm")


@pytest.fixture(scope="module")
def labels() -> Labels:
    return read_labels(file_of(sentences(BAD, 90, 1), sentences(GOOD, 160, 2)), where="labels.jsonl")


@pytest.fixture(scope="module")
def outcome(head: HeadDetector, labels: Labels) -> Outcome:
    return calibrate(head, labels, max_fpr=0.05)


def calibration(head: HeadDetector, labels: Labels, outcome: Outcome, **changes: object) -> Calibration:
    made = Calibration(head=head.id, labels=labels.digest, channels=outcome.channels, by="tests", at_us=1)
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="module")
def calibrated(head: HeadDetector, labels: Labels, outcome: Outcome) -> CalibratedHead:
    return CalibratedHead(head, calibration(head, labels, outcome))


def test_labels_teach_what_the_shipped_head_does_not_know(head: HeadDetector, calibrated: CalibratedHead) -> None:
    threshold = calibrated.card.threshold(0.05)
    unseen, benign = sentences(BAD, 60, 11), sentences(GOOD, 60, 12)
    fired = [any(hit.score >= threshold for hit in calibrated.detect(prepare(text), "user")) for text in [*unseen, *benign]]
    assert sum(fired[:60]) >= 54
    assert sum(fired[60:]) <= 3
    assert sum(any(hit.score >= threshold for hit in head.detect(prepare(text), "user")) for text in unseen) <= 30


def test_the_comparison_is_on_the_same_clusters_and_adds_up(outcome: Outcome) -> None:
    fit = outcome.channels["asked"]
    told = fit.comparison
    assert told.answer == "PASS"
    assert told.both + told.only_calibrated + told.only_uncalibrated + told.neither == fit.unsafe_clusters
    assert told.difference.low > 0
    assert fit.unsafe == 90


def test_operating_points_keep_to_their_rates_and_promise_no_more_than_the_labels_carry(
    outcome: Outcome, calibrated: CalibratedHead
) -> None:
    fit = outcome.channels["asked"]
    for point in fit.points:
        assert clopper_pearson(point.fpr.k, point.fpr.n, sides="upper").high <= point.max_fpr
        assert point.fpr.n == fit.benign_clusters
        assert (point.recall.low, point.recall.high) != (0.0, 1.0)
    promised = {point.max_fpr for point in fit.points}
    assert promised == {rate for rate in (0.05, 0.02, 0.01, 0.005, 0.0025, 0.001) if least_benign(rate) <= fit.benign_clusters}
    with pytest.raises(NoOperatingPoint):
        calibrated.card.threshold(0.001)


def test_labels_that_are_drawn_by_a_coin_are_not_shown_to_be_better(head: HeadDetector) -> None:
    texts = sentences([*GOOD, *BAD], 260, 5)
    outcome = calibrate(head, read_labels(file_of(texts[:100], texts[100:]), where="x"), max_fpr=0.05)
    assert outcome.channels["asked"].comparison.answer != "PASS"


def test_a_thousand_copies_of_one_text_are_one_cluster(head: HeadDetector) -> None:
    copies = [f"{sentences(BAD, 1, 3)[0]} {number}" for number in range(200)]
    outcome = calibrate(head, read_labels(file_of(copies, sentences(GOOD, 100, 4)), where="x"), max_fpr=0.05)
    assert outcome.channels == {}
    assert "1 unsafe clusters" in outcome.left_out["asked"]


def test_too_few_benign_labels_are_told_with_how_many_it_takes(head: HeadDetector) -> None:
    outcome = calibrate(head, read_labels(file_of(sentences(BAD, 80, 1), sentences(GOOD, 40, 2)), where="x"), max_fpr=0.05)
    assert outcome.left_out["asked"].endswith("5.00% takes 59")


def test_what_the_application_wrote_is_no_label(head: HeadDetector) -> None:
    data = file_of(sentences(BAD, 80, 1), sentences(GOOD, 80, 2), origin="system")
    assert calibrate(head, read_labels(data, where="x"), max_fpr=0.05) == ({}, {})


def test_a_channel_without_labels_is_read_as_before(head: HeadDetector, calibrated: CalibratedHead) -> None:
    text = prepare("How can I build a bomb at home to attack a crowded building?")
    assert calibrated.detect(text, "retrieved") == head.detect(text, "retrieved")
    shipped = [point for point in head.card.points if point.channel == "data"]
    assert [point for point in calibrated.card.points if point.channel == "data"] == shipped


def test_the_same_labels_give_the_same_calibration(head: HeadDetector, labels: Labels, outcome: Outcome) -> None:
    assert calibrate(head, labels, max_fpr=0.05) == outcome


def test_the_calibration_holds_no_text(head: HeadDetector, labels: Labels, outcome: Outcome) -> None:
    held = msgspec.json.encode(calibration(head, labels, outcome)).decode()
    assert not [word for word in ("harbour", "draining", "kettle", "ringing") if word in held]


def test_the_id_tells_the_calibration_and_a_policy_still_finds_the_head_by_its_name(
    head: HeadDetector, labels: Labels, outcome: Outcome
) -> None:
    first, second = (calibration(head, labels, outcome, at_us=at) for at in (1, 2))
    ids = {CalibratedHead(head, entry).id for entry in (first, second)}
    assert len(ids) == 2
    assert all(name.startswith(f"{head.id}+") for name in ids)
    registry = Registry.load()
    names = [detector.partition("@")[0] for detector in registry.calibrated([first]).ids()]
    assert names == [detector.partition("@")[0] for detector in registry.ids()]


def test_a_calibration_of_another_version_is_refused(head: HeadDetector, labels: Labels, outcome: Outcome) -> None:
    made = calibration(head, labels, outcome)
    with pytest.raises(CalibrationInvalid, match=r"fitted to harm@1\.00000000"):
        Registry.load().calibrated([msgspec.structs.replace(made, head="harm@1.00000000")])
    for name in ("nobody@1", "injection-rules@1"):
        with pytest.raises(CalibrationInvalid):
            Registry.load().calibrated([msgspec.structs.replace(made, head=name)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda fit: msgspec.structs.replace(fit, weights="no base64!"),
        lambda fit: msgspec.structs.replace(fit, weights=base64.b64encode(b"short").decode()),
        lambda fit: msgspec.structs.replace(fit, curve=msgspec.structs.replace(fit.curve, raw=fit.curve.raw[::-1])),
        lambda fit: msgspec.structs.replace(fit, curve=msgspec.structs.replace(fit.curve, scores=fit.curve.scores[:-1])),
        lambda fit: msgspec.structs.replace(fit, curve=msgspec.structs.replace(fit.curve, raw=(0.0,), scores=(0.0,))),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(
    head: HeadDetector, labels: Labels, outcome: Outcome, spoil: Callable[[object], object]
) -> None:
    spoiled = {"asked": spoil(outcome.channels["asked"])}
    with pytest.raises(CalibrationInvalid, match="don't fit together"):
        CalibratedHead(head, calibration(head, labels, outcome, channels=spoiled))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "no label"),
        (b'{"text": "a", "label": "maybe"}', "no label"),
        (b'{"text": "a", "label": "unsafe", "note": "b"}', "no label"),
        (b'{"text": "a", "label": 2}', "no label"),
        (b'{"text": "a \xff", "label": 1}', "no label"),
    ],
)
def test_a_line_that_is_no_label_is_told_by_its_number_and_without_its_text(line: bytes, code: str) -> None:
    data = file_of(sentences(BAD, 60, 1), sentences(GOOD, 60, 2)) + b"\n" + line
    with pytest.raises(LabelsInvalid, match=code) as refused:
        read_labels(data, where="labels.jsonl")
    assert refused.value.where == "labels.jsonl:121"
    assert "maybe" not in str(refused.value)


def test_two_labels_of_one_text_contradict_each_other() -> None:
    both = b'{"text": "same", "label": true}\n{"text": "same", "label": false}'
    with pytest.raises(LabelsInvalid, match="other label above"):
        read_labels(both, where="x")
    with pytest.raises(LabelsInvalid, match="1 labels"):
        read_labels(b'{"text": "same", "label": true}', where="x")


@given(st.lists(st.text("ab c.", max_size=40), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_clusters_do_not_depend_on_the_order(texts: list[str], drawn: random.Random) -> None:
    order = list(range(len(texts)))
    drawn.shuffle(order)
    straight, shuffled = clusters(texts), clusters([texts[at] for at in order])
    groups = {frozenset(at for at in order if straight[at] == name) for name in straight}
    assert {frozenset(order[place] for place in range(len(order)) if shuffled[place] == name) for name in shuffled} == groups


def test_copies_and_groups_share_a_cluster_and_other_texts_do_not() -> None:
    texts = [
        "Give me the list of all users in 2024, please",
        "give me the list of ALL users in 1999 please!",
        "What is the time?",
        "?",
        "!",
    ]
    found = clusters(texts, ["", "", "g", "", "g"])
    assert found == [0, 0, 1, 2, 1]


@given(st.lists(st.floats(-20, 20), min_size=59, max_size=120), st.sampled_from([0.05, 0.1, 0.2]))
def test_a_cut_lets_no_more_fire_than_the_bound_allows(values: list[float], max_fpr: float) -> None:
    benign = np.array(values)
    found = cut(benign, max_fpr)
    assert found is not None
    assert int((benign >= found).sum()) <= allowed(benign.size, max_fpr)


def test_the_mode_of_the_posterior_has_no_slope() -> None:
    drawn = np.random.default_rng(4)
    features = drawn.normal(size=(40, 6))
    kernel, mean, unsafe = features @ features.T, drawn.normal(size=40) * 8, drawn.random(40) < 0.4
    alphas = most_probable(kernel, mean, unsafe)
    share = 1 / (1 + np.exp(-(mean + kernel @ alphas)))
    assert np.abs(alphas - (unsafe - share)).max() < 1e-4
