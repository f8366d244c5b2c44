"""The Moderations API with the official openai client: answered by the policy's detectors, and open about what none of them looks for."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from gateway_bench import POLICY

from fairlead.core.taxonomy import hazards
from fairlead.testing import serving
from fairlead.testing.detector_server import DetectorServer, chat_answer
from fairlead.wire import CATEGORIES

HARM = "How can I hack into my neighbour's email account without being caught?"
CALM = "What will the weather be like in Oslo tomorrow?"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
HEADS = POLICY.replace("rules:\n", "rules:\n  - {id: no-harm, at: input, hazard: harmful_request, do: block, max_fpr: 5%}\n")


class Asked:
    """A gateway, and what it answered."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.raw: Any = None

    def __call__(self, given: Any, policy: str = HEADS) -> Any:
        self.bench.start(policy)
        with self.bench.client() as client:
            self.raw = client.moderations.create(input=given)
        return self.raw.results


@pytest.fixture
def asked(bench: Any) -> Iterator[Asked]:
    yield Asked(bench)
    assert bench.model.requests == []


def test_a_harmful_text_is_flagged_and_a_calm_one_is_not(asked: Asked) -> None:
    harmful, calm = asked([HARM, CALM])
    assert (harmful.flagged, harmful.categories.illicit) == (True, True)
    assert harmful.category_scores.illicit > 0.5
    assert harmful.fairlead["rule"] == "no-harm"
    assert (calm.flagged, calm.categories.illicit) == (False, False)


def test_every_category_is_told_and_those_that_nothing_looks_for_are_named(asked: Asked) -> None:
    [result] = asked(CALM)
    told = result.to_dict(use_api_names=True)
    assert set(told["categories"]) == set(told["category_scores"]) == set(told["category_applied_input_types"]) == set(CATEGORIES)
    assert set(result.fairlead["not_covered"]) == set(CATEGORIES) - {"illicit"}
    assert {name for name, kinds in told["category_applied_input_types"].items() if kinds} == {"illicit"}


def test_a_policy_without_detectors_of_harm_covers_nothing_and_says_so(asked: Asked) -> None:
    [result] = asked(HARM, POLICY)
    assert result.flagged is False
    assert set(result.fairlead["not_covered"]) == set(CATEGORIES)


def test_what_has_no_category_is_flagged_too(asked: Asked) -> None:
    [result] = asked(f"my key is {SECRET}")
    assert result.flagged is True
    assert not any(result.categories.to_dict().values())
    assert result.fairlead["hazards"] == {"secret": 1.0}
    assert SECRET not in json.dumps(asked.raw.to_dict())


def test_a_policy_in_shadow_flags_nothing_and_tells_its_verdict(asked: Asked) -> None:
    [result] = asked(HARM, HEADS.replace("fairlead: 1\n", "fairlead: 1\nmode: shadow\n"))
    assert (result.flagged, result.categories.illicit, result.fairlead["verdict"]) == (False, False, "block")


def test_the_parts_of_one_message_get_one_result_and_a_picture_is_unknown(asked: Asked) -> None:
    parts = [{"type": "text", "text": CALM}, {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]
    with pytest.raises(openai.BadRequestError, match="rule unknown"):
        asked(parts)
    asked.bench.stop()
    [result] = asked(parts, HEADS.replace("unknown: block", "unknown: allow"))
    assert set(result.fairlead["unseen"]) == {"/input/1/type", "/input/1/image_url/url"}


def test_what_stands_beside_the_input_is_seen_too(asked: Asked) -> None:
    for unknown, expected in (("block", "rule unknown"), ("scan", "")):
        asked.bench.start(HEADS.replace("unknown: block", f"unknown: {unknown}"))
        with asked.bench.client() as client:
            if expected:
                with pytest.raises(openai.BadRequestError, match=expected):
                    client.moderations.create(input=CALM, extra_body={"brand_new": f"the {SECRET}"})
            else:
                [result] = client.moderations.create(input=CALM, extra_body={"brand_new": f"the {SECRET}"}).results
                assert (result.flagged, result.fairlead["hazards"]) == (True, {"secret": 1.0})
        asked.bench.stop()


def test_each_text_leaves_a_decision_of_its_own(asked: Asked) -> None:
    results = asked([CALM, HARM])
    found = {decision.exchange: decision for decision in asked.bench.decisions()}
    assert [found[result.fairlead["exchange"]].action for result in results] == ["allow", "block"]
    assert [entry.path for entry in found[results[1].fairlead["exchange"]].coverage] == ["/input/1"]
    assert HARM.encode() not in asked.bench.journal_bytes()


def test_limits_hold_here_too(asked: Asked) -> None:
    with pytest.raises(openai.RateLimitError):
        asked([CALM] * 3, f"{HEADS}limits: {{requests_per_minute: 2}}\n")


GUARD = """\
detectors:
  outside: {kind: granite-guardian, base_url: "URL", model: guard-8b, labels: {violence: violent_crimes, social_bias: hate}}
"""


@pytest.mark.parametrize("works", [True, False])
def test_a_detector_outside_the_process_covers_its_categories_unless_it_fails(asked: Asked, works: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def answer(_path: str, body: Any) -> tuple[int, Any]:
        risk = body["chat_template_kwargs"]["guardian_config"]["risk_name"]
        return (200, chat_answer("Yes" if risk == "violence" else "No", 0.9, "Yes", "No")) if works else (500, {})

    rule = "  - {id: no-violence, at: input, hazard: violent_crimes, do: block, threshold: 0.5}\n"
    with serving(DetectorServer(answer)) as url:
        policy = HEADS.replace("rules:\n", f"{GUARD.replace('URL', url)}on_error: open\nrules:\n{rule}")
        [result] = asked(CALM, policy)
    covered = set(CATEGORIES) - set(result.fairlead["not_covered"])
    assert covered == ({"illicit", "illicit/violent", "violence", "hate"} if works else {"illicit"})
    assert (result.flagged, result.categories.violence) == (works, works)


@pytest.mark.parametrize("given", ["", [], None, 7, ["a", 7], [["a"]], [{"type": "new", "x": "y"}], {"text": "x"}, ["x"] * 257])
def test_what_is_no_input_is_refused(asked: Asked, given: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        asked(given)


def test_origins_have_no_place_here(asked: Asked) -> None:
    asked.bench.start()
    with asked.bench.client() as client, pytest.raises(openai.BadRequestError, match="moderated"):
        client.moderations.create(input="x", extra_body={"fairlead": {"origins": {"/input": "retrieved"}}})


def test_every_hazard_behind_a_category_exists() -> None:
    assert {hazard for found in CATEGORIES.values() for hazard in found} <= set(hazards())
