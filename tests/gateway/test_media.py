"""Images in requests: what is written in them is guarded like any text; what could not be read is no pass."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from gateway_bench import POLICY, Bench, bench_in
from messages_wire import reply as messages_reply
from pictures import data_url, header, png, written
from responses_wire import message
from responses_wire import reply as responses_reply

from fairlead.integrations import ReaderMissing
from fairlead.integrations.reading import tesseract as adapter

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("tesseract")]
CARD = "4111 1111 1111 1111"
CARD_PICTURE = written(f"CARD {CARD}")
CLEAN_PICTURE = written("SOUP AND BREAD")
READS = POLICY.replace(
    "rules:\n", "media: {image: tesseract}\nrules:\n  - {id: no-cards-in, at: input, entity: payment_card, do: redact}\n"
)
BOTH = READS.replace('"UPSTREAM"}}', '"UPSTREAM"}, claude: {provider: anthropic, base_url: "UPSTREAM"}}')
TEXT = {"type": "text", "text": "what is this?"}
Ask = Callable[[Bench, bytes], Any]


def by_chat(bench: Bench, picture: bytes) -> Any:
    bench.model.says("soup")
    parts = [TEXT, {"type": "image_url", "image_url": {"url": data_url(picture), "detail": "low"}}]
    with bench.client() as client:
        return client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])  # type: ignore[list-item,misc] # plain parts


def by_responses(bench: Bench, picture: bytes) -> Any:
    bench.model.sends([json.dumps(responses_reply(message("soup"))).encode()])
    part = {"type": "input_image", "image_url": data_url(picture), "detail": "auto"}
    with bench.client() as client:
        return client.responses.create(model="m", input=[{"role": "user", "content": [part]}])  # type: ignore[list-item,misc] # the same


def by_messages(bench: Bench, picture: bytes) -> Any:
    bench.model.sends([json.dumps(messages_reply("soup")).encode()])
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(picture).decode()}
    with anthropic.Anthropic(base_url=bench.url, api_key=bench.token, max_retries=0) as client:
        content = [{"type": "image", "source": source}, TEXT]
        return client.messages.create(model="c", max_tokens=9, messages=[{"role": "user", "content": content}])  # type: ignore[typeddict-item] # the same


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tesseract: None) -> Iterator[Bench]:  # noqa: ARG001 - is there, or the tests are skipped
    with bench_in(tmp_path_factory.mktemp("media")) as bench:
        yield bench.start(BOTH)


@pytest.fixture(autouse=True)
def forget(desk: Bench) -> None:
    desk.model.requests.clear()
    desk.model.asked.clear()


DOORS = pytest.mark.parametrize("ask", [by_chat, by_responses, by_messages])


@DOORS
def test_a_card_in_a_picture_is_stopped_though_the_rule_only_redacts(desk: Bench, ask: Ask) -> None:
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
        ask(desk, CARD_PICTURE)
    assert desk.model.requests == []
    decision = desk.decisions()[-1]
    assert (decision.verdict, decision.action, decision.rule) == ("redact", "block", "no-cards-in")
    assert [finding.path.endswith("#text") for finding in decision.findings] == [True]
    assert [entry.detectors for entry in decision.coverage if entry.detectors[0].startswith("ocr:tesseract-")]
    assert CARD.encode() not in desk.journal_bytes()


@DOORS
def test_a_clean_picture_reaches_the_model_as_it_was(desk: Bench, ask: Ask) -> None:
    ask(desk, CLEAN_PICTURE)
    (sent,) = desk.model.requests
    assert base64.b64encode(CLEAN_PICTURE).decode() in json.dumps(sent)
    coverage = [decision for decision in desk.decisions() if decision.stage == "input"][-1].coverage
    (ocr,) = (entry for entry in coverage if entry.detectors[0].startswith("ocr:"))
    (text,) = (entry for entry in coverage if entry.path == f"{ocr.path}#text")
    assert (ocr.status, text.status, ocr.chars) == ("ran", "ran", text.chars)
    assert ocr.chars > 4


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (header(60_000, 60_000), "pixels"),
        (CARD_PICTURE[:120], "could not read"),
        (b"%PDF-1.7 not a picture", "no PNG"),
        (b"GIF89a" + bytes(3), "no PNG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9_000_000), "bytes"),
    ],
    ids=["bomb", "cut off", "another form", "broken", "large"],
)
def test_what_can_t_be_read_is_a_failure_and_no_pass(desk: Bench, picture: bytes, why: str) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        by_chat(desk, picture)
    assert error.value.status_code == 503
    assert desk.model.requests == []
    (entry,) = (entry for entry in desk.decisions()[-1].coverage if entry.path.endswith("/url"))
    assert entry.status == "errored"
    assert why in entry.reason


def test_a_picture_without_text_was_looked_at_and_says_so(desk: Bench) -> None:
    by_chat(desk, png([b"\xff" * 90] * 60))
    coverage = [decision for decision in desk.decisions() if decision.stage == "input"][-1].coverage
    (entry,) = (entry for entry in coverage if entry.path.endswith("/url"))
    assert (entry.status, entry.chars, entry.reason) == ("ran", 0, "no text was found")


def test_an_address_is_not_fetched_and_stays_unknown(desk: Bench) -> None:
    parts = [{"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}]
    with desk.client() as client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])  # type: ignore[list-item,misc] # plain parts
    assert desk.decisions()[-1].rule == "unknown"


def test_without_the_policy_s_word_a_picture_is_unknown(bench: Bench) -> None:
    bench.start()
    with pytest.raises(openai.BadRequestError):
        by_chat(bench, CLEAN_PICTURE)
    assert bench.decisions()[-1].rule == "unknown"


def test_a_reader_that_takes_too_long_is_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.Tesseract, "COMMAND", ("sleep", "60"))
    bench.start(READS.replace("{image: tesseract}", "{image: tesseract, timeout_ms: 200}"))
    with pytest.raises(openai.APIStatusError) as error:
        by_chat(bench, CLEAN_PICTURE)
    assert (error.value.status_code, bench.model.requests) == (503, [])
    (entry,) = (entry for entry in bench.decisions()[-1].coverage if entry.path.endswith("/url"))
    assert entry.status == "timed_out"


def test_a_policy_that_fails_open_says_that_nobody_looked(bench: Bench) -> None:
    bench.start(READS.replace("tier: high", "tier: high\non_error: open"))
    by_chat(bench, header(60_000, 60_000))
    decision = next(decision for decision in bench.decisions() if decision.stage == "input")
    assert decision.state == "bypassed"
    assert any(entry.status == "errored" and entry.detectors[0].startswith("ocr:") for entry in decision.coverage)


def test_a_gateway_without_the_reader_does_not_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PROGRAM", "tesseract-that-is-not-here")
    with pytest.raises(ReaderMissing, match="not on this machine") as error:
        bench.start(READS)
    assert "tesseract-ocr" in error.value.mend
    with pytest.raises(ReaderMissing, match="hears recordings"):
        bench.start(POLICY.replace("rules:\n", "media: {audio: port}\nrules:\n", 1))
