"""Who asks: the key or the local user behind a connection, and what he tells of his agent in ``_meta``."""

from typing import Annotated, Any

import msgspec
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from fairlead.core import Segment, derived_id
from fairlead.gateway.check import NamedSegment
from fairlead.guard import ExchangeContext
from fairlead.wire import TRAJECTORY, Extension
from fairlead.wiring.exchange import context_of as exchange_context
from fairlead.wiring.serving import Serving

META = "fairlead"
"""Key of our own object in ``_meta``, in requests and in results."""
CALLER = "fairlead.caller"
"""Where the HTTP door leaves who asks, in the ASGI scope."""
_SESSION = "mcp-session-id"
_UNSEEN = Segment(path="/unseen", origin="retrieved", stage="retrieval", text="What the model saw was not told to the gateway.")


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``fairlead`` object in the ``_meta`` of a request."""

    trajectory: Annotated[str, msgspec.Meta(pattern=TRAJECTORY)] = ""
    user: str = ""
    """The application's own user, as it names him."""
    approvals: tuple[str, ...] = ()
    delegation: str = ""
    """Token of delegated authority that he presents; it goes no further than the broker."""
    seen: tuple[NamedSegment, ...] | None = None
    """What the model saw since it was last told, for the provenance of arguments; without it, everything counts as read."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end of a connection."""

    tenant: str
    key: str = ""
    """Id of the API key; empty for whoever started the process."""
    name: str = ""
    """Name of the key, or what the local user calls the client."""
    trajectory: str = ""
    """Of all that comes over this connection and names no other."""


def caller_of(ctx: ServerRequestContext[Any, Any], local: Caller | None) -> Caller:
    """Return who makes a request; on standard input and output it is always the same."""
    if local is not None:
        return local
    request: Any = ctx.request
    caller: Caller = request.scope[CALLER]
    session = request.headers.get(_SESSION, "")
    return msgspec.structs.replace(caller, trajectory=derived_id("t", "mcp", caller.key, session))


def told_in(ctx: ServerRequestContext[Any, Any]) -> Told:
    """Return what a request tells in its ``_meta``.

    Raises:
        MCPError: It is not of its shape.
    """
    meta: Any = ctx.meta or {}
    try:
        return msgspec.convert(meta.get(META, {}), Told)
    except msgspec.ValidationError as error:
        raise MCPError(INVALID_PARAMS, f"the object '{META}' in _meta is not of its shape") from error


def context_of(serving: Serving, caller: Caller, told: Told, approvals: tuple[str, ...] = ()) -> ExchangeContext:
    """Return the context of a new Exchange.

    Args:
        serving: What decides.
        caller: Who asks.
        told: What he tells.
        approvals: Those that were asked for in this Trajectory before.
    """
    presented = tuple(dict.fromkeys((*told.approvals, *approvals)))
    said = Extension(trajectory=told.trajectory or caller.trajectory, user=told.user, approvals=presented)
    return exchange_context(serving, caller.tenant, caller.key, said, delegation=told.delegation)


def seen_by(told: Told) -> tuple[Segment, ...]:
    """Return what the model saw; where nobody says, it counts as having read what an outsider wrote."""
    return (_UNSEEN,) if told.seen is None else told.seen
