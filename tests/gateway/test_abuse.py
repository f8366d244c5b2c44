"""Abuse: hostile clients, hostile upstreams, a full disk. Whatever comes, it is bounded, refused and told."""

import gzip
import json
import resource
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gateway_bench import POLICY
from gateway_door import USER
from gateway_process import eventually

from fairlead.core import InvalidInput
from fairlead.gateway import http as gateway_http
from fairlead.gateway import protocol, upstream
from fairlead.testing import PacedModel, ScriptedModel, serving
from fairlead.testing.paced import Gate

chunk = ScriptedModel.chunk
DONE = b"data: [DONE]\n\n"
CHAT = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}]}


def post(bench: Any, **extra: Any) -> httpx.Response:
    return httpx.post(
        f"{bench.url}/v1/chat/completions", json={**USER, **extra}, headers={"authorization": f"Bearer {bench.token}"}, timeout=20
    )


class Raw:
    """A gateway with its own HTTP, and sockets that say to it what they like."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self._place = urlsplit(bench.url)

    def says(self, *parts: bytes) -> bytes:
        """Send bytes and return everything that comes until the gateway hangs up."""
        with socket.create_connection((self._place.hostname, self._place.port or 0), timeout=20) as connection:
            answer = b""
            try:
                for part in parts:
                    connection.sendall(part)
                while more := connection.recv(65_536):
                    answer += more
            except ConnectionError:
                return answer
            return answer

    def request(self, *lines: bytes, body: bytes = b"") -> bytes:
        head = [
            b"POST /v1/chat/completions HTTP/1.1",
            b"host: x",
            b"connection: close",
            b"authorization: Bearer " + self.bench.token.encode(),
        ]
        return b"\r\n".join([*head, *lines, b"", b""]) + body


@pytest.fixture
def raw(bench: Any) -> Raw:
    return Raw(bench.start())


BODY = json.dumps(USER).encode()
LENGTH = b"content-length: " + str(len(BODY)).encode()
INNER = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"


def test_an_honest_request_is_answered(raw: Raw) -> None:
    raw.bench.model.says("fine")
    assert raw.says(raw.request(LENGTH, body=BODY)).startswith(b"HTTP/1.1 200")


def test_a_long_body_is_no_long_head(raw: Raw) -> None:
    raw.bench.model.says("fine")
    body = json.dumps({**USER, "messages": [{"role": "user", "content": "word " * 60_000}]}).encode()
    assert raw.says(raw.request(b"content-length: %d" % len(body), body=body)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "lines",
    [
        (LENGTH, b"transfer-encoding: chunked"),
        (b"transfer-encoding: chunked", LENGTH),
        (LENGTH, b"content-length: 0"),
        (b"content-length: +5",),
        (b"content-length: -1",),
        (b"transfer-encoding: chunked, identity",),
        (b"transfer-encoding: xchunked", LENGTH),
        (b"x-a: b\r\n folded: c", b"transfer-encoding : chunked"),
        (LENGTH, b"x y: z"),
        (b"content-length: 5\rtransfer-encoding: chunked",),
    ],
    ids=["cl-te", "te-cl", "two-cl", "plus", "minus", "te-list", "te-unknown", "fold", "space-in-name", "bare-cr"],
)
def test_a_request_that_two_servers_could_read_in_two_ways_reaches_no_model(raw: Raw, lines: tuple[bytes, ...]) -> None:
    answer = raw.says(raw.request(*lines, body=b"0\r\n\r\n" + INNER))
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 200" not in answer
    assert raw.bench.model.requests == []


def test_endless_headers_are_refused(raw: Raw) -> None:
    answer = raw.says(raw.request()[:-2], *[b"x-%d: " % number + b"a" * 8000 + b"\r\n" for number in range(200)], b"\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431"), "it hung up before it was all said"
    assert raw.bench.model.requests == []


@pytest.mark.parametrize("begun", [b"", b"P", b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: "])
def test_a_client_that_does_not_come_to_the_point_is_let_go(raw: Raw, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.05)
    assert raw.says(begun) == b""


def test_a_body_that_does_not_come_is_waited_for_no_longer(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_http, "BODY_S", 0.05)
    assert raw.says(raw.request(LENGTH, body=BODY[:5])).startswith(b"HTTP/1.1 408")
    assert raw.bench.model.requests == []


def test_a_packed_request_is_not_unpacked(raw: Raw) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    answer = raw.says(raw.request(b"content-encoding: gzip", b"content-length: %d" % len(bomb), body=bomb))
    assert answer.startswith(b"HTTP/1.1 400")
    assert raw.bench.model.requests == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_packed_answer_is_not_unpacked(bench: Any, stream: bool) -> None:  # noqa: FBT001 - a parameter of a test
    bench.start().model.sends([gzip.compress(json.dumps(CHAT).encode() + b" " * 10_000_000)])
    answer = post(bench, stream=stream)
    assert answer.status_code == 502 or "[DONE]" not in answer.text
    assert "fine" not in answer.text


def test_a_key_that_stands_twice_hides_nothing(raw: Raw) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    for first, second, status in (("hello", secret, b"400"), (secret, "hello", b"200")):
        raw.bench.model.says("fine")
        body = f'{{"model": "m", "messages": [{{"role": "user", "content": "{first}", "content": "{second}"}}]}}'.encode()
        assert raw.says(raw.request(b"content-length: %d" % len(body), body=body)).startswith(b"HTTP/1.1 " + status)
    assert secret not in json.dumps(raw.bench.model.requests)


def test_wrong_keys_are_all_told_the_same(raw: Raw) -> None:
    right = raw.bench.token
    answers = set()
    for wrong in ("", "fl_", right[:-1], right + "x", right.swapcase(), "fl_key_nobody_secret", "é", "Bearer"):
        request = raw.request(LENGTH, body=BODY).replace(right.encode(), wrong.encode("utf-8"))
        answers.add(raw.says(request))
    assert len(answers) == 1
    assert answers.pop().startswith(b"HTTP/1.1 401")
    assert raw.bench.decisions() == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_upstream_that_falls_silent_is_given_up(bench: Any, stream: bool) -> None:  # noqa: FBT001 - a parameter of a test
    model, gate = PacedModel(), Gate()
    model.streams(chunk({"content": "begun "}), gate)
    with serving(model) as url:
        bench.start(POLICY.replace('base_url: "UPSTREAM"', f'base_url: "{url}", timeout_s: 0.1'))
        answer = post(bench, stream=stream)
        gate.set_result(None)
    assert answer.status_code == (200 if stream else 502)
    assert "[DONE]" not in answer.text
    assert bench.decisions()[-1].state == ("interrupted" if stream else "final")


def test_half_a_character_at_the_end_of_a_stream_ends_it_without_an_end_marker(door: Any) -> None:
    door.start()
    answer = door.stream([chunk({"content": "fine. "}), chunk({"content": "é"}).split(b"\xa9")[0]])
    assert DONE not in answer.body
    assert door.decisions()[-1].state == "interrupted"


def test_a_character_may_come_in_halves(door: Any) -> None:
    door.start()
    whole = chunk({"content": "caf\u00e9 fine.\n"})
    middle = whole.index(b"\xc3") + 1
    assert door.stream([whole[:middle], whole[middle:], chunk({}, finish="stop"), DONE]).text() == "caf\u00e9 fine.\n"


@pytest.mark.slow
def test_a_chunk_of_ten_megabytes_is_guarded_like_any_other(door: Any) -> None:
    door.start(POLICY.replace("audit: strict", "audit: relaxed"))
    text = "all is well. " * 800_000 + "write to bob@example.com "
    answer = door.stream([chunk({"content": text}), chunk({}, finish="stop"), DONE])
    assert b"[EMAIL]" in answer.body
    assert b"bob@" not in answer.body


def test_an_endless_stream_has_an_end(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.gateway.stream.MAX_RESPONSE", 100_000)
    door.start()
    answer = door.stream([chunk({"content": "and on and on. " * 100})] * 200)
    assert DONE not in answer.body
    assert len(answer.body) < 200_000
    assert door.decisions()[-1].state == "interrupted"


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "http://[fe80::1]/v1", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/latest"],
)
def test_a_clouds_metadata_is_no_model(door: Any, url: str) -> None:
    with pytest.raises(InvalidInput, match="link-local"):
        door.start(POLICY.replace("UPSTREAM", url))


def test_a_name_that_leads_to_a_link_local_address_is_not_asked(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_self: object, host: str, port: int = 0, _family: int = 0) -> list[dict[str, object]]:
        return [{"hostname": host, "host": "169.254.169.254", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(upstream.aiohttp.ThreadedResolver, "resolve", found)
    bench.upstream = "http://metadata.example"
    bench.start()
    assert post(bench).status_code == 502


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Let a process write no file any further."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_answers_and_room_lets_them_go_on(gateway_process: Any) -> None:
    model = ScriptedModel()
    for _ in range(40):
        model.sends([json.dumps(CHAT).encode()])
    with serving(model) as url:
        worker = gateway_process.start(url)
        client = gateway_process.wait()
        statuses = [client.post("/v1/chat/completions", json=USER).status_code]
        with full_disk(worker.pid):
            statuses += [client.post("/v1/chat/completions", json=USER).status_code for _ in range(3)]
        eventually(lambda: client.post("/v1/chat/completions", json=USER).status_code == 200, "it goes on")
    assert statuses == [200, 503, 503, 503]
    assert len(gateway_process.decisions()) >= 4


@pytest.mark.slow
def test_no_kill_in_a_row_of_them_loses_an_acknowledged_decision(gateway_process: Any) -> None:
    model = ScriptedModel()
    for _ in range(10_000):
        model.sends([json.dumps(CHAT).encode()])
    answered: set[str] = set()
    with serving(model) as url:
        worker = gateway_process.start(url)
        for number in range(5):
            client = gateway_process.wait()
            for _ in range(20 + 7 * number):
                answered.add(client.post("/v1/chat/completions", json=USER).headers["x-fairlead-exchange"])
            worker.kill()
            worker.wait()
            if number < 4:
                worker = gateway_process.restart()
    recorded = {(one.exchange, one.stage) for one in gateway_process.decisions()}
    assert {(exchange, stage) for exchange in answered for stage in ("input", "output")} <= recorded
    for journal in (gateway_process.data / "journal").glob("*.db"):
        with closing(sqlite3.connect(journal)) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
