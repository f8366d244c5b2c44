"""A gateway without sockets: an upstream whose bytes come in the pieces that a test cuts, and a client that reads what leaves."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from gateway_bench import POLICY

from fairlead.config import load_settings
from fairlead.core import Decision, decode
from fairlead.gateway import Gateway, UpstreamClient
from fairlead.identity import ApiKey, publish_keys
from fairlead.journal import read
from fairlead.wiring.data_plane import DataPlane, build_data_plane

USER = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class _Response:
    """As much of aiohttp's response as the gateway reads."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.status = 200
        self.content = self
        self._pieces = pieces

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    def close(self) -> None:
        return

    def release(self) -> None:
        return


class PiecesUpstream(UpstreamClient):
    """Answers with scripted bytes, read by read, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.script: deque[Sequence[bytes]] = deque()
        self.requests: list[Any] = []
        self._failure: Exception | None = None

    def fails_with(self, error: Exception) -> None:
        """Answer every request with an error that the gateway does not expect."""
        self._failure = error

    async def post(self, upstream: object, path: str, body: bytes, extra: object = None) -> Any:  # noqa: ARG002 - the port's signature
        self.requests.append(json.loads(body))
        if self._failure is not None:
            raise self._failure
        return _Response(self.script.popleft())


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    parts: tuple[bytes, ...]
    """Bodies in the order in which they left."""
    ended: bool
    """Whether the response came to its end."""

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def chunks(self) -> list[Any]:
        """Chunks of a stream, decoded, without the end marker."""
        events = [event.removeprefix(b"data: ") for event in self.body.split(b"\n\n") if event]
        return [json.loads(event) for event in events if event != b"[DONE]"]

    def text(self, choice: int = 0, channel: str = "content") -> str:
        """What the client shows of one channel of a stream."""
        found = [one["delta"].get(channel) or "" for chunk in self.chunks for one in chunk["choices"] if one["index"] == choice]
        return "".join(found)

    def finishes(self) -> dict[int, str]:
        return {one["index"]: one["finish_reason"] for chunk in self.chunks for one in chunk["choices"] if one["finish_reason"]}


class Door:
    """What a test without sockets works with."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        self.settings = load_settings({"FAIRLEAD_DATA": str(folder / "data"), "FAIRLEAD_CONFIG": str(folder / "config")})
        self.policy_file = folder / "fairlead.yaml"
        self.upstream = PiecesUpstream()
        self._runner = stack.enter_context(asyncio.Runner())
        self.token = ""
        self.on_send: Callable[[Any], None] = lambda _: None
        """Called with each message just before it leaves."""

    def start(self, policy: str = POLICY, tenant: str = "t1") -> "Door":
        self.policy_file.write_text(policy.replace("UPSTREAM", "http://127.0.0.1:9"))
        key, self.token = ApiKey.issue(tenant=tenant, name="tests", scopes=("chat", "check", "redact"))
        publish_keys(self.settings.data_dir / "keys.json", (key,))
        self.plane: DataPlane = build_data_plane(self.settings, self.policy_file, "worker-0")
        self._stack.callback(self.plane.close)
        self._app = Gateway(self.plane, self.upstream)
        return self

    def ask(self, body: object, *, path: str = "/v1/chat/completions", token: str = "", raw: bytes | None = None) -> Answer:
        data = json.dumps(body).encode() if raw is None else raw
        return self._runner.run(self.converse("POST", path, data, token or self.token))

    def stream(self, pieces: Sequence[bytes], **extra: object) -> Answer:
        self.upstream.script.append(pieces)
        return self.ask({**USER, "stream": True, **extra})

    def whole(self, body: object, **extra: object) -> Answer:
        self.upstream.script.append([json.dumps(body).encode()])
        return self.ask({**USER, **extra})

    def get(self, path: str) -> Answer:
        return self._runner.run(self.converse("GET", path, b"", ""))

    def run(self, conversation: Coroutine[Any, Any, str]) -> str:
        """Run several conversations at once."""
        return self._runner.run(conversation)

    def decisions(self, exchange: str = "") -> list[Decision]:
        entries = read(self.settings.data_dir / "journal" / "worker-0.db", 0, 100_000)
        found = [decode(entry.record.body, Decision) for entry in entries if entry.record.kind == "decision"]
        return [decision for decision in found if exchange in ("", decision.exchange)]

    def files(self) -> bytes:
        """Every byte that was written, keys and journals included."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file() and path != self.policy_file)

    async def converse(self, method: str, path: str, data: bytes, token: str) -> Answer:
        sent: list[Any] = []
        requests: asyncio.Queue[Any] = asyncio.Queue()
        requests.put_nowait({"type": "http.request", "body": data})

        async def send(message: Any) -> None:
            self.on_send(message)
            sent.append(message)

        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        await self._app({"type": "http", "method": method, "path": path, "headers": headers}, requests.get, send)
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, tuple(message["body"] for message in sent[1:]), not sent[-1].get("more_body", len(sent) < 2))


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door with the usual policy for all tests of a module."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("door")).start()


@pytest.fixture(scope="module")
def quick_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The same without waiting for the disk, for tests of many requests that look at no record."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("door")).start(POLICY.replace("audit: strict", "audit: relaxed"))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A door that a test starts itself."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path)
