"""Spans: one for each sampled Exchange, sent by OTLP to a real receiver, with its Decisions and without content."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from gateway_bench import Bench, bench_in
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CANARY = "canary-in-every-text"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"


class Receiver:
    """An OTLP receiver: keeps the bodies that it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def spans(self) -> list[Any]:
        found = []
        for body in self.bodies:
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            found += [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


def exchanged(folder: Path, receiver: Receiver, sample: str, act: Any) -> None:
    """Run a gateway that traces this share; when the block ends its spans have been sent."""
    with bench_in(folder, FAIRLEAD_OTLP_ENDPOINT=receiver.url, FAIRLEAD_TRACE_SAMPLE=sample) as bench:
        bench.start()
        act(bench)


def ask(bench: Bench) -> None:
    bench.model.says(f"{CANARY} 4111 1111 1111 1111")
    bench.client().chat.completions.create(model="m", messages=[{"role": "user", "content": CANARY}])


def ask_wrongly(bench: Bench) -> None:
    with pytest.raises(openai.BadRequestError):
        bench.client().chat.completions.create(model="m", messages=[{"role": "user", "content": f"{CANARY} {SECRET}"}])


def test_a_sampled_exchange_has_a_span_with_its_decisions_and_no_content(tmp_path: Path, receiver: Receiver) -> None:
    exchanged(tmp_path, receiver, "1", ask)
    (span,) = receiver.spans()
    assert span.name == "chat"
    actions = [attribute.value.string_value for event in span.events for attribute in event.attributes if attribute.key.endswith("action")]
    assert actions == ["allow", "redact"]
    assert CANARY.encode() not in b"".join(receiver.bodies)


def test_a_blocked_exchange_says_what_ended_it(tmp_path: Path, receiver: Receiver) -> None:
    exchanged(tmp_path, receiver, "1", ask_wrongly)
    (span,) = receiver.spans()
    assert "content_filter" in {attribute.value.string_value for attribute in span.attributes}
    assert CANARY.encode() not in b"".join(receiver.bodies)


def test_nothing_is_sent_when_nothing_is_sampled(tmp_path: Path, receiver: Receiver) -> None:
    exchanged(tmp_path, receiver, "0", ask)
    assert receiver.bodies == []
