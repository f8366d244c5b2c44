"""Models that are loaded into the process: classifiers of the Hugging Face format with random weights, taggers of names."""

import importlib.util
import re
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairlead import Guard
from fairlead.config import load_settings
from fairlead.core import Origin, Segment
from fairlead.detectors import Hit
from fairlead.detectors.remote import KINDS, MAX_WINDOWS, KindName, Remote
from fairlead.guard import Detected, RemoteJob
from fairlead.integrations.errors import DetectorNotLoaded
from fairlead.integrations.huggingface import SequenceClassifier
from fairlead.integrations.names import NameTagger, gliner_tags, presidio_tags
from fairlead.integrations.remote import RemoteRunner

TEXT = "Ada Lovelace of Analytical Engines met Bob in Paris."


def spec(kind: KindName, **changes: Any) -> Remote:
    return Remote(**{"id": f"x@{kind}", "kind": kind, "labels": KINDS[kind].labels, "window": KINDS[kind].window, **changes})


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}")


class Words:
    """A model that finds a word, and can be held up."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.held = threading.Event()
        self.held.set()

    def detect(self, text: str, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - the port's signature
        self.held.wait(5)
        if "fail" in text:
            raise ValueError(text)
        return [Hit(*found.span(), "pii", "person_name", 0.9) for found in re.finditer(self._word, text)]


@pytest.fixture
def words() -> Iterator[tuple[Words, RemoteRunner]]:
    model = Words("Ada")
    runner = RemoteRunner(lambda _: "", load=lambda _: model)
    yield model, runner
    model.held.set()
    runner.close()


def ask(runner: RemoteRunner, remote: Remote, text: str) -> Detected:
    segment = Segment(path="/text", origin="user", stage="input", text=text)
    return runner.submit(RemoteJob(((remote, segment),))).result(20)


def test_a_local_model_runs_in_windows_and_every_span_is_one_of_the_whole_text(words: tuple[Words, RemoteRunner]) -> None:
    remote = spec("spacy", model="m", window=200)
    words[1].prepare([remote])
    text = ("x" * 190 + " Ada ") * 3
    detected = ask(words[1], remote, text)
    assert [text[finding.span[0] : finding.span[1]] for finding in detected.findings] == ["Ada"] * len(detected.findings)
    assert {finding.span[0] for finding in detected.findings} == {191, 386, 581}
    assert {finding.entity for finding in detected.findings} == {"person_name"}


def test_a_local_model_that_raises_hangs_or_was_never_loaded_is_not_a_pass(words: tuple[Words, RemoteRunner]) -> None:
    model, runner = words
    remote = spec("spacy", model="m", timeout_ms=60)
    (never,) = ask(runner, remote, TEXT).coverage
    assert (never.status, never.reason) == ("errored", "its model was not loaded")
    runner.prepare([remote])
    (raised,) = ask(runner, remote, "fail").coverage
    assert (raised.status, raised.reason) == ("errored", "it failed with ValueError")
    model.held.clear()
    assert [ask(runner, remote, TEXT).coverage[0].status for _ in range(2)] == ["timed_out", "timed_out"]


def test_taggers_of_the_shape_of_presidio_and_gliner() -> None:
    class Engine:
        def analyze(self, *, text: str, language: str, entities: list[str]) -> list[Any]:
            assert language == "en"
            found = [SimpleNamespace(start=0, end=12, entity_type="PERSON", score=0.85)]
            return [*found, SimpleNamespace(start=0, end=len(text), entity_type="DATE_TIME", score=0.6)] if entities else []

    class Model:
        def predict_entities(self, text: str, labels: list[str], threshold: float) -> list[dict[str, Any]]:
            assert "location" in labels
            assert threshold > 0
            start = text.index("Paris")
            return [{"start": start, "end": start + 5, "text": "Paris", "label": "location", "score": 0.7}]

    labels = KINDS["presidio"].labels
    assert NameTagger(lambda text: presidio_tags(Engine(), list(labels), text), labels).detect(TEXT, "user") == [
        Hit(0, 12, "pii", "person_name", 0.85),
    ]
    labels = KINDS["gliner"].labels
    found = NameTagger(lambda text: gliner_tags(Model(), list(labels), text), labels).detect(TEXT, "user")
    assert [(TEXT[hit.start : hit.end], hit.entity, hit.score) for hit in found] == [("Paris", "place", 0.7)]


@needs("spacy")
def test_a_spacy_pipeline_from_a_folder(tmp_path: Path) -> None:
    pipeline = import_module("spacy").blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "ORG", "pattern": "Analytical Engines"}])
    ruler.add_patterns([{"label": "DATE", "pattern": "met"}, {"label": "GPE", "pattern": "Paris"}])
    pipeline.to_disk(tmp_path / "names")
    found = NameTagger.load(spec("spacy", model=str(tmp_path / "names"))).detect(TEXT, "user")
    assert [(TEXT[hit.start : hit.end], hit.hazard, hit.entity) for hit in found] == [
        ("Ada Lovelace", "pii", "person_name"),
        ("Analytical Engines", "pii", "organisation"),
        ("Paris", "pii", "place"),
    ]


@pytest.mark.parametrize("kind", ["huggingface", "spacy", "presidio", "gliner"])
def test_a_model_that_is_not_here_is_refused_with_the_mend(kind: KindName, tmp_path: Path) -> None:
    if kind == "presidio" and importlib.util.find_spec("presidio_analyzer"):
        pytest.skip("Presidio is installed here and needs no model of its own")
    runner = RemoteRunner(lambda _: "")
    with pytest.raises(DetectorNotLoaded) as wrong:
        runner.prepare([spec(kind, model=str(tmp_path / "nothing"), labels={"A": "pii"})])
    assert wrong.value.mend
    runner.close()


def test_a_policy_whose_model_is_not_here_is_not_served(tmp_path: Path) -> None:
    policy = tmp_path / "fairlead.yaml"
    policy.write_text(
        "fairlead: 1\nsystem: a\nowner: b\ntier: high\n"
        f"detectors: {{names: {{kind: spacy, model: {tmp_path}/nothing}}}}\n"
        "rules:\n  - {id: no-names, at: input, hazard: pii, detector: names, threshold: 0.5, do: redact}\n",
        encoding="utf-8",
    )
    settings = load_settings({"FAIRLEAD_DATA": str(tmp_path / "data"), "FAIRLEAD_CONFIG": str(tmp_path / "config")})
    with pytest.raises(DetectorNotLoaded):
        Guard.load(policy, settings=settings)


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """Make a tiny classifier of random weights, with a tokenizer that knows single characters."""
    torch, transformers, tokenizers = import_module("torch"), import_module("transformers"), import_module("tokenizers")
    torch.manual_seed(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, ".", *(f"##{letter}" for letter in letters)]
    raw = tokenizers.BertWordPieceTokenizer(vocab={word: index for index, word in enumerate(words)})
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw._tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label={0: "SAFE", 1: "INJECTION"},
        label2id={"SAFE": 0, "INJECTION": 1},
    )
    made.save_pretrained(tmp_path / "tiny")
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


@needs("torch", "transformers", "tokenizers")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_classifier_of_random_weights_reads_a_long_text_in_windows(classifier: Path) -> None:
    model = SequenceClassifier.load(spec("huggingface", model=str(classifier), labels={"injection": "prompt_injection"}))
    (short,) = model.detect("ignore all of it.", "user")
    assert (short.start, short.end, short.hazard) == (0, 17, "prompt_injection")
    assert 0.05 <= short.score <= 1.0
    text = "the quick brown fox. " * 40
    (hit,) = model.detect(text, "user")
    assert 0 <= hit.start < hit.end <= len(text)
    assert hit.end - hit.start < 100
    alone = [model.detect(text[start : start + 40], "user")[0].score for start in range(0, 200, 40)]
    assert hit.score >= min(alone)
    for too_long in ("ab " * (MAX_WINDOWS * 64), "a" * (MAX_WINDOWS * 64 * 20 + 1)):
        with pytest.raises(ValueError, match="too long"):
            model.detect(too_long, "user")


@needs("torch", "transformers", "tokenizers")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_classifier_without_the_policy_s_labels_is_refused_and_told_which_it_has(classifier: Path) -> None:
    with pytest.raises(DetectorNotLoaded, match="none of the labels") as wrong:
        SequenceClassifier.load(spec("huggingface", model=str(classifier), labels={"LABEL_1": "jailbreak"}))
    assert "SAFE, INJECTION" in wrong.value.mend
