"""Delegation tokens: Biscuits (biscuit-python, extra ``delegation``), minted for one Trajectory, narrowed at each hop, revocable by block.

The first block is signed with the installation's key and names tenant, user, Trajectory, tools and the end of its life. Whoever holds a
token can append blocks without any key, and every block can only add checks: facts of a later block are seen by no check of an earlier
one, nor by our own rules (Biscuit specification 3, sections on scopes and on attenuation, read in November 2026). A call is allowed only
if all checks of all blocks hold for facts that come from the broker. Beside that Cedar decides as if there were no token.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from fairlead.agents import RECIPIENTS, Delegated, Use, canonical
from fairlead.core import Clock, InvalidInput, SystemClock, UsageError
from fairlead.guard import Levers
from fairlead.journal import installation_key

if TYPE_CHECKING:
    from biscuit_auth import Biscuit, KeyPair

KEY_FILE = "delegation.key"
MAX_CHARS = 16_384
"""Characters of a token; a longer one is refused unread."""
MAX_BLOCKS = 16
TRIES = 3
"""The engine stops after a millisecond of wall time, which a busy machine can take from an honest token."""
_AUTHORITY = ("is of another tenant", "is of another user", "is of another Trajectory", "has expired", "was not minted for this tool")
"""What it means when the checks of the first block do not hold, in their order."""
_FAILED = re.compile(r"Check n°(\d+) in block n°(\d+): check (if|all) (\w+)")
_KINDS = {"time": "has expired", "depth": "was handed on too often", "tool": "does not hold for this tool, argument or budget"}


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token is minted for."""

    tenant: str
    user: str
    trajectory: str
    tools: tuple[str, ...]
    expires_us: int


class Narrowing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a hop leaves of a token; what is not said stays as it was."""

    tools: tuple[str, ...] | None = None
    arguments: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    """Tool to argument to the values that it may have; it must have one. What is said of one of to, cc and bcc holds for the others too."""
    calls: Mapping[str, int] = {}
    """Tool to how many calls of it the Trajectory may have made, those before the hop among them."""
    totals: Mapping[str, Mapping[str, int]] = {}
    """Tool to argument to its largest sum, for arguments that the policy's budget sums; of another one nothing is allowed."""
    hops: int | None = None
    """How often it may be handed on from here."""
    expires_us: int | None = None


class Delegation:
    """Mints and checks tokens; implements ``agents.Delegations``.

    Args:
        key: The installation's secret, 32 bytes.
        levers: Which blocks are revoked: levers of the kind ``token``.
        clock: Tells what has expired.

    Raises:
        UsageError: The extra is not installed.
    """

    def __init__(self, key: bytes, levers: Levers, clock: Clock | None = None) -> None:
        self._pair = _pair(key)
        self._levers = levers
        self._clock = clock or SystemClock()

    @classmethod
    def open(cls, config_dir: Path, levers: Levers, clock: Clock | None = None) -> Self:
        """Use the installation's key, making it when there is none.

        Raises:
            KeyFileUnsafe: The key file is readable by others or damaged.
            UsageError: The extra is not installed.
        """
        return cls(installation_key(config_dir / KEY_FILE), levers, clock)

    @property
    def key(self) -> str:
        """The public key, for those who hand tokens on."""
        return str(self._pair.public_key)

    def mint(self, grant: Grant) -> str:
        """Return a token for a Trajectory."""
        from biscuit_auth import BiscuitBuilder  # noqa: PLC0415 - an extra

        source = (
            "check if tenant({tenant}); check if user({user}); check if trajectory({trajectory}); "
            "check if time($now), $now < {expires}; check if tool($tool), {tools}.contains($tool);"
        )
        facts = "".join(f"right({{t{number}}});" for number in range(len(grant.tools)))
        told: dict[str, object] = {f"t{number}": tool for number, tool in enumerate(grant.tools)}
        told |= {"tenant": grant.tenant, "user": grant.user, "trajectory": grant.trajectory}
        told |= {"expires": _moment(grant.expires_us), "tools": set(grant.tools)}
        return str(BiscuitBuilder(facts + source, told).build(self._pair.private_key).to_base64())

    def check(self, token: str, use: Use) -> Delegated:
        """Say whether a token, and every link of its chain, allows a call; whatever goes wrong is a no."""
        from biscuit_auth import AuthorizationError, BiscuitValidationError  # noqa: PLC0415 - an extra

        if len(token) > MAX_CHARS:
            return Delegated("is too long")
        try:
            read = self._read(token)
        except BiscuitValidationError:
            return Delegated("is none, or was not minted here")
        depth = read.block_count() - 1
        problem = self._refused(read, use.tenant)
        for _ in range(0 if problem else TRIES):
            try:
                return Delegated("", depth, self._authorize(read, use, depth))
            except AuthorizationError as error:
                if problem := _problem(str(error)):
                    break
        return Delegated(problem or "takes too long to check", depth)

    def _refused(self, token: "Biscuit", tenant: str) -> str:
        """Return why a token is refused before its checks are looked at; empty when it is not."""
        if token.block_count() > MAX_BLOCKS:
            return "was handed on too often"
        revoked = {lever.target for lever in self._levers.current() if lever.kind == "token" and lever.tenant in ("", tenant)}
        return "was revoked" if revoked & set(token.revocation_ids) else ""

    def _read(self, token: str) -> "Biscuit":
        from biscuit_auth import Biscuit  # noqa: PLC0415 - an extra

        return Biscuit.from_base64(token, self._pair.public_key)

    def _authorize(self, token: "Biscuit", use: Use, depth: int) -> tuple[str, ...]:
        from biscuit_auth import AuthorizerBuilder, Fact, Rule  # noqa: PLC0415 - an extra

        builder = AuthorizerBuilder("allow if true;")
        for name, *terms in _facts(use, depth, _moment(self._clock.now_us())):
            told = {f"p{number}": term for number, term in enumerate(terms)}
            builder.add_fact(Fact(f"{name}({', '.join('{' + key + '}' for key in told)})", told))
        authorizer = builder.build(token)
        authorizer.authorize()
        return tuple(sorted(str(fact.terms[0]) for fact in authorizer.query(Rule("found($tool) <- right($tool)"))))


def narrow(token: str, narrowing: Narrowing, key: str) -> str:
    """Return a token that allows less, for the next hop; needs no secret.

    Args:
        token: The token that is handed on.
        narrowing: What the next holder may do.
        key: The public key of the installation that minted it; see :attr:`Delegation.key`.

    Raises:
        InvalidInput: The token is none, or not of that installation.
        UsageError: The extra is not installed.
    """
    _installed()
    from biscuit_auth import Biscuit, BiscuitValidationError, BlockBuilder, PublicKey  # noqa: PLC0415 - an extra

    try:
        read = Biscuit.from_base64(token, PublicKey(key))
    except (BiscuitValidationError, ValueError) as error:
        raise InvalidInput("this is no token", where="delegation", mend="give the token as it was minted or narrowed") from error
    block = BlockBuilder("")
    for source, told in _checks(narrowing, read.block_count()):
        block.add_code(source, told)
    return str(read.append(block).to_base64())


def revocation_ids(token: str) -> tuple[str, ...]:
    """Return the id of each block of a token, the minted one first; revoking one takes every token back that was made from it.

    Raises:
        InvalidInput: The token is none.
        UsageError: The extra is not installed.
    """
    _installed()
    from biscuit_auth import BiscuitValidationError, UnverifiedBiscuit  # noqa: PLC0415 - an extra

    try:
        return tuple(UnverifiedBiscuit.from_base64(token).revocation_ids)
    except BiscuitValidationError as error:
        raise InvalidInput("this is no token", where="delegation", mend="give the token as it was minted or narrowed") from error


def _facts(use: Use, depth: int, now: datetime) -> Iterator[tuple[object, ...]]:
    yield "tenant", use.tenant
    yield "user", use.user
    yield "trajectory", use.trajectory
    yield "tool", use.tool
    yield "depth", depth
    yield "calls", use.calls
    yield "time", now
    yield "value", "", ""  # so that a check of all values has one to look at
    for name, value in use.values:
        yield "value", name, value
    for name, amount in use.sums:
        yield "total", name, amount


def _checks(narrowing: Narrowing, blocks: int) -> Iterator[tuple[str, dict[str, object]]]:
    if narrowing.tools is not None:
        yield "check if tool($tool), {tools}.contains($tool);" if narrowing.tools else "check if false;", {"tools": set(narrowing.tools)}
    for tool, arguments in narrowing.arguments.items():
        for name, values in arguments.items():
            yield "check if tool($tool), $tool != {tool} or value({name}, $value);", {"tool": tool, "name": name}
            allowed = {canonical(value) for value in values} or {"\0"}
            for each in _alike(name, arguments):
                told: dict[str, object] = {"tool": tool, "name": each, "values": allowed}
                yield "check all tool($t), value($n, $v), $t != {tool} || $n != {name} || {values}.contains($v);", told
    for tool, most in narrowing.calls.items():
        yield "check if tool($tool), $tool != {tool} or calls($n), $n <= {most};", {"tool": tool, "most": most}
    for tool, totals in narrowing.totals.items():
        for name, most in totals.items():
            source = "check if tool($tool), $tool != {tool} or total({name}, $n), $n <= {most};"
            yield source, {"tool": tool, "name": name, "most": most}
    if narrowing.hops is not None:
        yield "check if depth($depth), $depth <= {most};", {"most": blocks + narrowing.hops}
    if narrowing.expires_us is not None:
        yield "check if time($now), $now < {expires};", {"expires": _moment(narrowing.expires_us)}


def _alike(name: str, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """Return an argument and, of a recipient, the other recipients of which nothing is said."""
    return (name, *(other for other in RECIPIENTS if other not in arguments)) if name in RECIPIENTS else (name,)


def _problem(said: str) -> str:
    """Return why a token does not allow a call, without anything that stands in it; empty when the engine ran out of time."""
    failed = _FAILED.search(said)
    if failed is None:
        return "" if "limits" in said else "does not allow it"
    check, block, kind = int(failed[1]), int(failed[2]), failed[4]
    if block == 0:
        return _AUTHORITY[check] if check < len(_AUTHORITY) else "does not allow it"
    return f"{_KINDS.get(kind, 'does not allow it')} (check {check + 1} of hop {block})"


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)


def _pair(key: bytes) -> "KeyPair":
    _installed()
    from biscuit_auth import KeyPair, PrivateKey  # noqa: PLC0415 - an extra

    return KeyPair.from_private_key(PrivateKey(f"ed25519-private/{key.hex()}"))


def _installed() -> None:
    try:
        import biscuit_auth  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        mend = "pip install 'fairlead[delegation]'"
        raise UsageError("delegation tokens can't be read: biscuit-python is not installed", where="delegation", mend=mend) from error
