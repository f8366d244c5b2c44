"""What the protocol's parser lets pass in silence: one name twice, values nested without end, half messages."""

import json
from typing import NamedTuple, NoReturn

import mcp_types as types

from fairlead.gateway.mcp.links import is_bounded

MAX_BYTES = 4 * 1024 * 1024
_DEEP = "the message is nested too deeply"


class Problem(NamedTuple):
    """Why a message is not taken."""

    code: int
    message: str
    id: str | int | None
    """Of the request, as far as it can be read."""

    def encode(self) -> types.JSONRPCError:
        """Return the answer that says so."""
        return types.JSONRPCError(jsonrpc="2.0", id=self.id, error=types.ErrorData(code=self.code, message=self.message))


class _TwiceError(ValueError):
    pass


def problem_of(raw: bytes) -> Problem | None:
    """Return what is wrong with a message; None for one that has one reading only.

    Args:
        raw: One JSON-RPC message.
    """
    code, why = _wrong_with(raw)
    return Problem(code, why, _id_of(raw)) if why else None


def _wrong_with(raw: bytes) -> tuple[int, str]:
    if len(raw) > MAX_BYTES:
        return types.INVALID_REQUEST, f"the message is longer than {MAX_BYTES} bytes"
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_constant=_constant)
        bounded = is_bounded(value)
    except _TwiceError:
        return types.INVALID_REQUEST, "a name is there twice in one object"
    except RecursionError:
        return types.INVALID_REQUEST, _DEEP
    except ValueError:
        return types.PARSE_ERROR, "the message is not JSON in UTF-8"
    try:
        types.jsonrpc_message_adapter.validate_json(raw, by_name=False)
        sound = "id" not in value or _id_in(value) is not None
    except ValueError:
        sound = False
    if not bounded:
        return types.INVALID_REQUEST, _DEEP
    return (0, "") if sound else (types.INVALID_REQUEST, "the message is no JSON-RPC request, notification or response")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _constant(_name: str) -> NoReturn:
    raise ValueError


def _id_of(raw: bytes) -> str | int | None:
    try:
        value = json.loads(raw[:MAX_BYTES])
    except (ValueError, RecursionError):
        return None
    return _id_in(value) if isinstance(value, dict) else None


def _id_in(message: dict[str, object]) -> str | int | None:
    found = message.get("id")
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
