"""Law 4: with ``capture: none`` no word of a prompt or answer is kept or told, whatever happens to it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest
from gateway_bench import POLICY
from gateway_process import GatewayProcess

from fairlead.core import decode
from fairlead.journal import Access, Record, Sealer, journals, read
from fairlead.testing import FixedClock, ScriptedModel, serving

WORD = "zebrafinch"
CANARY = f"the {WORD} keeps its ledger under the third step"
MAIL = f"{CANARY} bob.smith@example.org"
SECRET = f"{CANARY} AKIA" + "IOSFODNN7EXAMPLQ"
TEXTS = (CANARY, MAIL, SECRET)
chunk = ScriptedModel.chunk
DONE = b"data: [DONE]\n\n"

STRICT = POLICY.replace("at: output, entity: email", "at: [input, tool_result, retrieval, output], entity: email")
NAMES = "rules:\n  - {id: names-up, at: [input, tool_result, retrieval], entity: email, do: redact, operator: pseudonym}\n"
LOOSE = POLICY.replace("unknown: block", "unknown: allow").replace("rules:\n", NAMES)


class Sent(NamedTuple):
    what: str
    answer: httpx.Response


def user(text: object) -> dict[str, Any]:
    return {"role": "user", "content": text}


def request(*messages: Any, **extra: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages) or [user("hello")], **extra}


def requests_with(text: str) -> Iterator[Any]:
    """A request for every field that can hold a text, and for some that can't."""
    for role in ("system", "developer", "user", "assistant"):
        yield request({"role": role, "content": text})
        yield request({"role": role, "content": [{"type": "text", "text": text}]})
    for field in ("name", "refusal", "reasoning_content", "reasoning", "tool_call_id", text):
        yield request({**user("x"), field: text})
    made = {"id": "c1", "type": "function", "function": {"name": "search_docs", "arguments": json.dumps({text: text})}}
    yield request(user("x"), {"role": "assistant", "tool_calls": [made]}, {"role": "tool", "tool_call_id": "c1", "content": text})
    yield request(user("x"), {"role": "assistant", "tool_calls": [{**made, "id": text, text: text}]})
    yield request(user("x"), {"role": "assistant", "function_call": {"name": text, "arguments": text}})
    yield request({"role": text, "content": "x"})
    yield request(text)
    yield request(user([text, {"type": "image_url", "image_url": {"url": text}}]))
    for field in (
        "stop",
        "user",
        "service_tier",
        "response_format",
        "tool_choice",
        "functions",
        "logit_bias",
        "stream_options",
        "new_field",
    ):
        yield request(**{field: text})
        yield request(**{field: {text: text, "a": [text, {text: 1}]}})
    yield request(model=text)
    yield request(metadata={"a": text, text: "b"})
    yield request(tools=[{"type": "function", "function": {"name": text, "description": text, "parameters": {"properties": {text: {}}}}}])
    for extension in ({"trajectory": text}, {"user": text}, {"approvals": [text]}, {text: text}, text):
        yield request(fairlead=extension)
    yield request(fairlead={"origins": {text: "retrieved"}})
    yield request(fairlead={"origins": {"/messages/0/content": text}})
    yield request(fairlead={"origins": {"/messages/0/content": "retrieved"}}, messages=[user(text)])
    yield {"model": "m", "messages": text}
    yield text
    yield [text]


def checks_with(text: str) -> Iterator[Any]:
    yield {"stage": "input", "text": text}
    yield {"stage": text, "text": "x"}
    yield {"stage": "input", "text": "x", text: text}
    yield {"stage": "input", "text": "x", "trajectory": text, "user": text, "approvals": [text]}
    yield {"stage": "input", "text": "x", "user": text, "approvals": [text]}
    plain = {"path": "/a", "origin": "user", "stage": "input", "text": text}
    for changed in ({}, {"path": text}, {"path": f"/{text}"}, {"origin": text}, {"stage": text}, {"tool": text, "call": text}):
        yield {"stage": "input", "segments": [{**plain, **changed}]}
    yield {"stage": "tool_call", "tool_call": {"name": "search_docs", "arguments": {"q": text, text: text}}}
    yield {"stage": "tool_call", "tool_call": {"name": text, "arguments": text}}
    yield {"stage": "tool_call", "tool_call": {"name": "send_email", "arguments": {"to": text, "body": text}}}


def answers_with(text: str) -> Iterator[tuple[int, Sequence[bytes]]]:
    """Whole answers of an upstream, whatever it thinks an answer is."""
    message = {"role": "assistant", "content": text}
    calls = [
        {"id": text, "type": "function", "function": {"name": name, "arguments": json.dumps({"q": text, "to": text, text: text})}}
        for name in ("search_docs", "send_email", text)
    ]
    messages: list[Any] = [message, {**message, "tool_calls": calls}, {**message, "function_call": {"name": text, "arguments": text}}]
    messages += [{**message, field: text} for field in ("refusal", "reasoning", "role", "annotations", "audio", text)]
    for each in messages:
        yield 200, [json.dumps({"choices": [{"index": 0, "message": each, "finish_reason": text}], "id": text, text: text}).encode()]
    for garbage in (text, json.dumps(text), json.dumps({"choices": text}), json.dumps({"choices": [text]}), f'{{"error": "{text}'):
        yield 200, [garbage.encode()]
    for status in (400, 404, 429, 500, 503):
        yield status, [json.dumps({"error": {"message": text, "code": text}}).encode()]


def streams_with(text: str) -> Iterator[tuple[int, Sequence[bytes]]]:
    call = {"index": 0, "id": text, "function": {"name": "search_docs", "arguments": json.dumps({"q": text, text: "x"})}}
    for delta in ({"content": text}, {"refusal": text}, {"reasoning_content": text}, {"tool_calls": [call]}, {"role": text}, {text: text}):
        yield 200, [chunk(delta), chunk({}, finish="stop"), DONE]
    yield 200, [chunk({"content": "x"}, **{text: text}), chunk({}, finish=text, model=text), DONE]
    yield 200, [chunk({"content": text[:5]}), chunk({"content": text[5:]}), f"data: {text}\n\n".encode()]
    yield 200, [f": {text}\n\nevent: {text}\nid: {text}\n\n".encode(), chunk({"content": text})]
    yield 200, [json.dumps({"error": text}).encode()]
    yield 500, [text.encode()]


def send_everything(model: ScriptedModel, client: httpx.Client) -> list[Sent]:
    """Send every variation to the gateway and return what it answered."""
    sent: list[Sent] = []

    def post(what: str, body: object, path: str = "/v1/chat/completions", **how: Any) -> None:
        sent.append(Sent(what, client.post(path, **({"json": body} | how))))
        model.forget()

    for text in TEXTS:
        for number, body in enumerate(requests_with(text)):
            model.says("fine")
            post(f"request {number}", body)
        for number, body in enumerate(checks_with(text)):
            post(f"check {number}", body, "/v1/guard/check")
        for number, (status, parts) in enumerate(answers_with(text)):
            model.sends(parts, status=status)
            post(f"answer {number}", request())
        for number, (status, parts) in enumerate(streams_with(text)):
            model.sends(parts, status=status, content_type=b"text/event-stream")
            post(f"stream {number}", request(stream=True))
        post("no JSON", None, content=f'{{"messages": [{{"role": "user", "content": "{text}'.encode())
        post("no UTF-8", None, content=text.encode() + b"\xff")
        post("no such path", request(), f"/{text}")
        post("a strange token", request(user(text)), headers={"authorization": f"Bearer fl_{text}_{text}"})
        post("a strange header", request(user(text)), headers={f"x-{WORD}": text, "authorization": f"{text}"})
    sent.append(Sent("a strange method", client.request(WORD.upper(), "/v1/chat/completions", content=CANARY.encode())))
    sent += [Sent(path, client.get(path)) for path in ("/metrics", "/readyz", "/healthz")]
    return sent


class Aftermath(NamedTuple):
    process: GatewayProcess
    sent: list[Sent]

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.process.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.process.folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module", params=[STRICT, LOOSE], ids=["strict", "loose"])
def aftermath(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """A worker that was sent everything, and has ended."""
    with ExitStack() as stack:
        model = ScriptedModel()
        process = GatewayProcess(stack, tmp_path_factory.mktemp("worker"))
        worker = process.start(stack.enter_context(serving(model)), policy=request.param)
        sent = send_everything(model, process.wait())
        worker.terminate()
        worker.wait(20)
        yield Aftermath(process, sent)


def test_the_canary_was_really_sent_and_came_back(aftermath: Aftermath) -> None:
    statuses = {one.answer.status_code for one in aftermath.sent}
    assert {200, 400, 401, 404, 429, 502} <= statuses
    assert any(WORD in one.answer.text for one in aftermath.sent if one.answer.status_code == 200)


def test_no_error_tells_what_was_sent(aftermath: Aftermath) -> None:
    assert [one.what for one in aftermath.sent if one.answer.status_code >= 400 and WORD in one.answer.text] == []


def test_no_request_breaks_the_gateway(aftermath: Aftermath) -> None:
    assert [one.what for one in aftermath.sent if one.answer.status_code in (500, 503)] == []


def test_no_header_metric_or_health_page_holds_it(aftermath: Aftermath) -> None:
    for one in aftermath.sent:
        assert WORD not in str(one.answer.headers), one.what
        assert not (one.what.startswith("/") and WORD in one.answer.text), one.what


def test_no_file_holds_it(aftermath: Aftermath) -> None:
    """Journal, write-ahead logs, keys, approvals, whatever the process wrote to stdout and stderr."""
    files = aftermath.files()
    assert {"data/journal/worker-0.db", "data/keys.json", "output-1.log"} <= set(files)
    assert [name for name, data in files.items() if WORD.encode() in data.lower()] == []


def test_the_process_said_nothing_of_it(aftermath: Aftermath) -> None:
    assert set(aftermath.process.output.splitlines()) <= {b"Invalid HTTP request received."}


def test_a_sealed_capture_is_the_only_place_of_it_and_is_not_readable(gateway_process: Any) -> None:
    model = ScriptedModel()
    with serving(model) as upstream:
        gateway_process.start(upstream, policy=STRICT.replace("capture: none", "capture: sealed_on_finding"))
        sent = send_everything(model, gateway_process.wait())
        model.streams("the answer")
        flagged = gateway_process.client().post("/v1/chat/completions", json=request(user(MAIL), stream=True))
    found = Aftermath(gateway_process, sent).files()
    assert [name for name, data in found.items() if WORD.encode() in data.lower()] == []
    captures = captured(gateway_process)
    assert captures
    assert [text for text in captures.values() if WORD not in text] == []
    ids = {decision.capture for decision in gateway_process.decisions() if decision.exchange == flagged.headers["x-fairlead-exchange"]}
    assert "the answer" in "".join(captures[capture] for capture in ids if capture), "what came after the opening record is captured too"


def captured(process: Any) -> dict[str, str]:
    """Every capture of a worker, opened as the loop may."""
    sealer = Sealer.open(process.folder / "config")
    access = Access(actor="test", reason="inc_1", purpose="program")
    audit: list[Record] = []
    entries = [entry.record for path in journals(process.data / "journal") for entry in read(path, 0, 100_000)]
    found = {
        record.id: sealer.unseal(record.body, "t1", access=access, audit=audit.extend, clock=FixedClock()).decode()
        for record in entries
        if record.kind == "capture"
    }
    sealer.close()
    assert len(audit) == len(found)
    assert all(decode(record.body, dict) for record in audit)
    return found


def test_an_error_that_nobody_foresaw_tells_where_and_not_what(door: Any, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    door.start()
    door.upstream.fails_with(KeyError(CANARY))
    answer = door.ask(request(user(CANARY)))
    assert answer.status == 500
    assert WORD.encode() not in answer.body
    assert "KeyError" in caplog.text
    assert WORD not in caplog.text + "".join(capfd.readouterr())
    assert [decision.stage for decision in door.decisions()] == ["input"], "what was decided before it is recorded"
