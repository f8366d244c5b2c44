"""Asks the remote detectors of a job, all at once, each within its time.

One thread with an event loop of its own serves every caller, sync or not, so that connections are shared and closed in one place. Models
that are loaded into the process run in a thread each, one text at a time.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from fairlead.core import Coverage, Finding, Origin, Segment, Status, digest
from fairlead.detectors import Hit
from fairlead.detectors.remote import KINDS, MAX_WINDOWS, Remote, Seen, best_hits, windows
from fairlead.guard import UNKNOWN_LABEL, Detected, RemoteJob

if TYPE_CHECKING:
    import aiohttp

    from fairlead.integrations.remote.asks import HttpAsk, Scores

T = TypeVar("T")
Secrets = Callable[[str], str]
"""Reference, as a policy writes it, to what it stands for; empty when there is nothing."""
MAX_ANSWER = 1 << 20
"""Bytes of an answer at most."""
AT_ONCE = 32
"""Requests under way at most."""


class LocalModel(Protocol):
    """A model in the process."""

    def detect(self, text: str, origin: Origin) -> Sequence[Hit]:
        """Return what it sees; hits of the same hazard may be many."""
        ...


class _Failed(Exception):
    """Why a detector gave no answer, in words without content."""


class RemoteRunner:
    """Implements ``guard.RemoteDetectors``.

    Args:
        secrets: Reads the keys, at the time of each request, so that a rotated key needs no restart.
        load: Makes the model of a detector that is loaded into the process; by its kind when None.
    """

    def __init__(self, secrets: Secrets, load: Callable[[Remote], LocalModel] | None = None) -> None:
        self._secrets = secrets
        self._load = load
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: aiohttp.ClientSession | None = None
        self._limit: asyncio.Semaphore | None = None
        self._models: dict[str, tuple[LocalModel, ThreadPoolExecutor]] = {}

    def prepare(self, remotes: Iterable[Remote]) -> None:
        """Load the models that these detectors need, before anything is asked of them.

        Raises:
            DetectorNotLoaded: One can't be loaded.
        """
        for remote in remotes:
            from fairlead.integrations.remote.adapters import load_model  # noqa: PLC0415 - a policy that asks nobody pays nothing

            if not KINDS[remote.kind].remote and digest(remote) not in self._models:
                pool = ThreadPoolExecutor(1, thread_name_prefix=f"fairlead-{remote.kind}")
                self._models[digest(remote)] = ((self._load or load_model)(remote), pool)

    def submit(self, job: RemoteJob) -> Future[Detected]:
        """Begin to ask."""
        return self._run(self._detect(job))

    def close(self) -> None:
        """Close the connections and end the threads; what has not answered by then is given up."""
        for _, pool in self._models.values():
            pool.shutdown(wait=False, cancel_futures=True)
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._run(self._close()).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        self._loop = self._thread = None

    async def _detect(self, job: RemoteJob) -> Detected:
        results = await asyncio.gather(*(self._one(remote, segment, job.within_us) for remote, segment in job.pairs))
        findings: list[Finding] = []
        coverage: list[Coverage] = []
        for (remote, segment), (status, seen, reason) in zip(job.pairs, results, strict=True):
            findings += [_finding(hit, segment, remote, late=job.late) for hit in seen.hits]
            chars = len(segment.text)
            coverage.append(Coverage(path=segment.path, chars=chars, status=status, detectors=(remote.id,), reason=reason))
        return Detected(tuple(findings), tuple(coverage))

    async def _one(self, remote: Remote, segment: Segment, within_us: int | None) -> tuple[Status, Seen, str]:
        """Ask one detector about one text; whatever goes wrong is a status with a reason, and the reason holds no content."""
        if not segment.text.strip():
            return "skipped", Seen(()), "there is no text"
        patience_ms = remote.timeout_ms if within_us is None else min(remote.timeout_ms, within_us // 1000)
        try:
            seen = await asyncio.wait_for(self._ask(remote, segment), patience_ms / 1000)
        except TimeoutError:
            return "timed_out", Seen(()), f"no answer within {patience_ms} ms"
        except _Failed as failed:
            return "errored", Seen(()), str(failed)
        except Exception as error:  # noqa: BLE001 - an adapter or library may raise anything; it is recorded and the policy decides
            return "errored", Seen(()), f"it failed with {type(error).__name__}"
        return "ran", seen, UNKNOWN_LABEL if seen.unknown else ""

    async def _ask(self, remote: Remote, segment: Segment) -> Seen:
        pieces = windows(len(segment.text), remote.window)
        if not pieces:
            raise _Failed(f"the text is longer than {MAX_WINDOWS} pieces")
        if not KINDS[remote.kind].remote:
            return Seen(await self._ask_model(remote, segment, pieces))
        scores = await asyncio.gather(*(self._ask_server(remote, segment.text[start:end], segment.origin) for start, end in pieces))
        hits = [hit for place, found in zip(pieces, scores, strict=True) for hit in _hits(remote, place, found)]
        known = {*remote.labels, *KINDS[remote.kind].labels}
        return Seen(best_hits(hits), unknown=any(label not in known for found in scores for label in found))

    async def _ask_model(self, remote: Remote, segment: Segment, pieces: Sequence[tuple[int, int]]) -> tuple[Hit, ...]:
        loaded = self._models.get(digest(remote))
        if loaded is None:
            raise _Failed("its model was not loaded")
        model, pool = loaded
        loop = asyncio.get_running_loop()
        hits: dict[tuple[int, int, str, str], Hit] = {}
        for start, end in pieces:
            for hit in await loop.run_in_executor(pool, model.detect, segment.text[start:end], segment.origin):
                moved = hit._replace(start=hit.start + start, end=hit.end + start)
                hits[moved.start, moved.end, moved.hazard, moved.entity] = moved
        return tuple(hits.values())

    async def _ask_server(self, remote: Remote, text: str, origin: Origin) -> "Scores":
        from fairlead.integrations.remote.adapters import ADAPTERS  # noqa: PLC0415 - as above
        from fairlead.integrations.remote.asks import Piece  # noqa: PLC0415 - as above

        piece = Piece(remote, text, origin)
        adapter = ADAPTERS[remote.kind]
        key = self._key(remote)
        answers = await asyncio.gather(*(self._post(ask, key) for ask in adapter.ask(piece)))
        try:
            return adapter.read(piece, answers)
        except Exception as error:
            # Whatever the adapter says of it could quote the answer.
            raise _Failed("its answer can't be read") from error

    async def _post(self, ask: "HttpAsk", key: str) -> bytes:
        import aiohttp  # noqa: PLC0415 - as above

        headers = {"content-type": "application/json"}
        if key:
            headers[ask.key_header] = f"Bearer {key}" if ask.key_header == "authorization" else key
        try:
            # A redirect could lead a text, and the key, anywhere.
            session, limit = self._opened()
            async with limit, session.post(ask.url, data=ask.body, headers=headers, allow_redirects=False) as response:
                if response.status != 200:
                    raise _Failed(f"it answered with status {response.status}")
                data = await response.content.read(MAX_ANSWER + 1)
                while len(data) <= MAX_ANSWER and (more := await response.content.read(MAX_ANSWER)):
                    data += more
        except (aiohttp.ClientError, OSError) as error:
            raise _Failed(f"it could not be reached ({type(error).__name__})") from error
        if len(data) > MAX_ANSWER:
            raise _Failed("its answer is too long")
        return data

    def _opened(self) -> "tuple[aiohttp.ClientSession, asyncio.Semaphore]":
        import aiohttp  # noqa: PLC0415 - as above

        if self._session is None or self._limit is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(limit=0))
            self._limit = asyncio.Semaphore(AT_ONCE)
        return self._session, self._limit

    def _key(self, remote: Remote) -> str:
        if not remote.key:
            return ""
        value = self._secrets(remote.key)
        if not value:
            raise _Failed("its key is not set")
        return value

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _run(self, work: Coroutine[object, object, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="fairlead-remote", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)


def _hits(remote: Remote, place: tuple[int, int], scores: "Scores") -> Iterable[Hit]:
    for label, score in scores.items():
        if label in remote.labels:
            yield Hit(place[0], place[1], remote.labels[label], "", min(1.0, max(0.0, score)))


def _finding(hit: Hit, segment: Segment, remote: Remote, *, late: bool) -> Finding:
    span = (hit.start, hit.end)
    return Finding(
        hazard=hit.hazard, score=hit.score, span=span, path=segment.path, detector=remote.id, entity=hit.entity, late=late, view=hit.view
    )
