"""Approvals in files: asked for by one gateway worker, answered by another process, used up by a third, exactly once.

One file for each approval that lives, ``<data>/approvals/<tenant>/<call>.<id>.json``; tenant and call are keyed fingerprints. It holds no
content, is replaced as a whole, and is sealed with a key of the installation, so that whoever can write there without that key can
grant nothing. Using an approval up is removing its file: of all processes of a machine one succeeds. Whatever can't be read is an
error, and an error blocks the call.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from fairlead.agents.approvals import TTL_US, Approval, ApprovalRequest, ApprovalState, Scope
from fairlead.agents.errors import ApprovalNotFound, ApprovalsBusy, ApprovalUnreadable, SelfApproval, TooManyApprovals
from fairlead.core import Clock, InvalidInput, SystemClock, canonical_bytes, decode, new_id
from fairlead.journal import Fingerprinter, installation_key
from fairlead.policy import Label

MAX_OPEN = 500
"""Most approvals of one tenant that live at once: more than people can answer, few enough to look through in milliseconds."""
KEY_FILE = "approvals.key"
_ID = re.compile(r"apr_[a-z2-7]{26}")
_LOCK = ".lock"
_ANSWERING = ".answering"
_DRAFT = ".draft"
_SUFFIX = ".json"
PATIENCE_S = 2.0
"""How long a process waits for its turn, seconds; turns take milliseconds, so only a stopped process makes it wait that long."""
_PAUSE_S = 0.002
Mark = Callable[[Sequence[str]], str]
"""Keyed fingerprint of texts."""


class KeptApproval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a file says of an approval: which call, without its content."""

    id: str
    """``apr_…``."""
    tenant: str
    system: str
    release: str
    tool: str
    requester: str
    """Keyed fingerprint of the application's user for whom the agent works."""
    exchange: str
    """Leads to the Decision that asked."""
    call: str
    """Keyed fingerprint of everything that the approval holds for, the arguments' values too."""
    origins: tuple[tuple[str, tuple[Label, ...]], ...]
    """Arguments that the policy names, and where their values come from."""
    others: int
    """How many more arguments the call has; the model chose their names, so they are not kept."""
    unmet: tuple[str, ...]
    """Conditions of the policy that the call does not meet."""
    sources: tuple[str, ...] = ()
    """Where its untrusted values stand: paths of the request, or tools that the policy lists."""
    state: ApprovalState
    asked_us: int
    expires_us: int
    approver: str = ""
    answered_us: int = 0
    scope: Scope = "call"
    """What was granted."""

    @property
    def untrusted(self) -> bool:
        """True when a value that the policy asks the origin of comes from untrusted data."""
        return any("untrusted" in labels for _, labels in self.origins)


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says to an approval."""

    granted: bool
    approver: str
    """Account."""
    login: str = ""
    """The account's other name; neither may be the requester's."""
    scope: Scope = "call"
    """What is granted."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    approval: msgspec.Raw
    seal: str


class FileApprovals:
    """Approvals of all processes of one machine.

    Args:
        root: Where the files are, ``<data>/approvals``.
        mark: Fingerprints and seals; alike in every process.
        clock: Tells when they expire.
        ttl_us: How long an approval waits, and how long an answer holds, microseconds.
        limit: Most approvals of one tenant that live at once.
        patience_s: How long to wait for other processes, seconds.
    """

    def __init__(
        self,
        root: Path,
        mark: Mark,
        clock: Clock | None = None,
        *,
        ttl_us: int = TTL_US,
        limit: int = MAX_OPEN,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._root = root
        self._mark = mark
        self._clock = clock or SystemClock()
        self._ttl_us = ttl_us
        self._limit = limit
        self._patience_s = patience_s
        self._record: Callable[[KeptApproval], None] | None = None

    @classmethod
    def open(cls, root: Path, config_dir: Path, clock: Clock | None = None, record: Callable[[KeptApproval], None] | None = None) -> Self:
        """Use the installation's key for approvals, making it when there is none.

        Args:
            root: Where the files are.
            config_dir: Where the key is.
            clock: Tells when they expire.
            record: Keeps a new question before it is asked; if it raises, nothing was asked.

        Raises:
            KeyFileUnsafe: The key file is readable by others or damaged.
            Unavailable: The key file can't be read or made.
        """
        made = cls(root, Fingerprinter(installation_key(config_dir / KEY_FILE)), clock)
        made._record = record
        return made

    def ask(self, request: ApprovalRequest) -> Approval:
        """Return the live approval of this very call, or a new one that waits.

        Raises:
            TooManyApprovals: So many of the tenant live already.
            ApprovalUnreadable: The state can't be read or written.
            ApprovalsBusy: Another process holds it too long.
        """
        folder, call = self._folder(request.tenant), self._call(request)
        with self._alone(folder, _LOCK):
            now = self._clock.now_us()
            for path in _files(folder, call=call):
                kept = self._read(path)
                if kept is not None and now < kept.expires_us:
                    return _approval(kept, request)
            if self._purge(folder, now) >= self._limit:
                raise TooManyApprovals(f"{self._limit} approvals wait already", mend="answer some, or wait for them to expire")
            kept = self._question(request, call, now)
            if self._record is not None:
                self._record(kept)
            self._write(folder, kept)
            return _approval(kept, request)

    def redeem(self, approval: str, request: ApprovalRequest) -> Scope:
        """Use up a granted approval of exactly this call; what it allows for one caller of all processes, once.

        Raises:
            ApprovalUnreadable: The state can't be read, or its use can't be made durable.
        """
        if _ID.fullmatch(approval) is None:
            return ""
        folder = self._folder(request.tenant)
        path = folder / _name(self._call(request), approval)
        kept = self._read(path)
        if kept is None or kept.state != "granted" or self._clock.now_us() >= kept.expires_us:
            return ""
        try:
            path.unlink()
            _make_durable(folder)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _unreadable(path, error) from error
        return kept.scope

    def answer(self, approval: str, tenant: str, answer: Answer, record: Callable[[KeptApproval], None]) -> KeptApproval:
        """Record a person's answer, then let it take effect.

        Args:
            approval: ``apr_…``.
            tenant: The approver's tenant.
            answer: What is said, and by whom.
            record: Keeps the answer before it takes effect; if it raises, nothing was answered.

        Raises:
            ApprovalNotFound: No approval of this tenant waits under this id, or none does any more after it was recorded.
            SelfApproval: The approver is who asked.
            ApprovalUnreadable: The state can't be read or written.
            ApprovalsBusy: Another process holds it too long.
        """
        folder = self._folder(tenant)
        if not folder.is_dir():
            raise _not_found(approval)
        with self._alone(folder, _ANSWERING):
            kept = self._waiting(folder, approval)
            if not answer.approver or kept.requester in (self._user(answer.approver), self._user(answer.login)):
                raise SelfApproval("who asked for an action can't approve it", where=approval, mend="let another person answer")
            now = self._clock.now_us()
            state: ApprovalState = "granted" if answer.granted else "refused"
            until = now + self._ttl_us
            answered = msgspec.structs.replace(
                kept, state=state, approver=answer.approver, answered_us=now, expires_us=until, scope=answer.scope
            )
            record(answered)
            with self._alone(folder, _LOCK):
                self._waiting(folder, approval)
                self._write(folder, answered)
            return answered

    def live(self, tenant: str) -> tuple[KeptApproval, ...]:
        """Return the approvals of a tenant that wait or hold, the oldest first.

        Raises:
            ApprovalUnreadable: One can't be read.
        """
        now = self._clock.now_us()
        found = [self._read(path) for path in _files(self._folder(tenant))]
        return tuple(
            sorted((kept for kept in found if kept is not None and now < kept.expires_us), key=lambda kept: (kept.asked_us, kept.id))
        )

    def _question(self, request: ApprovalRequest, call: str, now: int) -> KeptApproval:
        names = decode(request.arguments, dict[str, msgspec.Raw], where="arguments").keys()
        return KeptApproval(
            id=new_id("apr"),
            tenant=request.tenant,
            system=request.system,
            release=request.release,
            tool=request.tool,
            requester=self._user(request.requester),
            exchange=request.exchange,
            call=call,
            origins=request.origins,
            others=len(names - {name for name, _ in request.origins}),
            unmet=request.unmet,
            sources=request.sources,
            state="waiting",
            asked_us=now,
            expires_us=now + self._ttl_us,
        )

    def _waiting(self, folder: Path, approval: str) -> KeptApproval:
        if _ID.fullmatch(approval) is not None:
            for path in _files(folder, approval=approval):
                kept = self._read(path)
                if kept is not None and kept.state == "waiting" and self._clock.now_us() < kept.expires_us:
                    return kept
        raise _not_found(approval)

    def _purge(self, folder: Path, now: int) -> int:
        """Remove what is over; return how many are left, those that can't be read among them."""
        left = 0
        for draft in folder.glob(f"{_DRAFT}*"):
            draft.unlink(missing_ok=True)  # its writer died: whoever writes holds the lock
        for path in _files(folder):
            try:
                kept = self._read(path)
            except ApprovalUnreadable:
                left += 1
                continue
            if kept is not None and kept.expires_us <= now:
                path.unlink(missing_ok=True)
            elif kept is not None:
                left += 1
        return left

    def _read(self, path: Path) -> KeptApproval | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            file = decode(data, _File, where=str(path))
            kept = decode(bytes(file.approval), KeptApproval, where=str(path))
        except InvalidInput as error:
            raise _unreadable(path, error) from error
        belongs = path == self._folder(kept.tenant) / _name(kept.call, kept.id)
        if not belongs or file.seal != self._seal(bytes(file.approval)):
            raise _unreadable(path, None)
        return kept

    def _write(self, folder: Path, kept: KeptApproval) -> None:
        body = canonical_bytes(kept)
        path, draft = folder / _name(kept.call, kept.id), folder / f"{_DRAFT}-{kept.id}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical_bytes(_File(approval=msgspec.Raw(body), seal=self._seal(body))))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise _unreadable(path, error) from error

    @contextmanager
    def _alone(self, folder: Path, name: str) -> Iterator[None]:
        try:
            for needed in (self._root, folder):
                needed.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unreadable(folder, error) from error
        try:
            _lock(descriptor, folder, self._patience_s)
            yield
        finally:
            os.close(descriptor)

    def _folder(self, tenant: str) -> Path:
        return self._root / self._key("tenant", tenant)

    def _call(self, request: ApprovalRequest) -> str:
        return self._key("call", request.binding)

    def _user(self, name: str) -> str:
        return self._key("user", name.strip().casefold())

    def _seal(self, body: bytes) -> str:
        return self._key("file", body.decode())

    def _key(self, kind: str, text: str) -> str:
        return self._mark((kind, text)).rpartition(":")[2]


def _approval(kept: KeptApproval, request: ApprovalRequest) -> Approval:
    return Approval(
        id=kept.id,
        request=request,
        binding=request.binding,
        state=kept.state,
        asked_us=kept.asked_us,
        expires_us=kept.expires_us,
        approver=kept.approver,
    )


def _name(call: str, approval: str) -> str:
    return f"{call}.{approval}{_SUFFIX}"


def _files(folder: Path, *, call: str = "", approval: str = "") -> list[Path]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - Path.glob takes a folder that it may not read for an empty one
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from error
    end = f"{approval}{_SUFFIX}"
    return [folder / name for name in names if name.startswith(call) and name.endswith(end)]


def _lock(descriptor: int, folder: Path, patience_s: float) -> None:
    for _ in range(max(1, round(patience_s / _PAUSE_S))):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise ApprovalsBusy("another process holds the approvals", where=str(folder), mend="try again; see whether a process is stopped")


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_found(approval: str) -> ApprovalNotFound:
    return ApprovalNotFound("no approval waits under this id", where=approval, mend="ask for the action again")


def _unreadable(path: Path, error: Exception | None) -> ApprovalUnreadable:
    why = "its seal is not of this installation's key" if error is None else type(error).__name__
    mend = "give every process the same FAIRLEAD_CONFIG and a folder it can write; a damaged file may be removed: its call is asked again"
    return ApprovalUnreadable(f"an approval can't be read or written ({why})", where=str(path), mend=mend)
