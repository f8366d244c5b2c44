"""The arguments of a tool call, parsed so that the broker and the tool can't read two different things."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NoReturn, TypeAlias

from fairlead.agents.errors import BadArguments

Value: TypeAlias = "str | int | Decimal | bool | list[Value] | dict[str, Value] | None"

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16


def parse_arguments(raw: bytes) -> dict[str, Value]:
    """Parse the arguments of a call.

    Args:
        raw: JSON, as the wire gave it.

    Returns:
        Names and values; numbers with a fraction are exact.

    Raises:
        BadArguments: Not one JSON object, a name twice (or twice up to case and width), ``NaN``, half a character, too long or too
            deep. Says which, never what was in it.
    """
    if len(raw) > MAX_BYTES:
        raise _bad(f"they are longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_float=Decimal, parse_constant=_constant)
    except BadArguments:
        raise
    except UnicodeDecodeError as error:
        raise _bad("they are not UTF-8") from error
    except RecursionError as error:
        raise _bad("they are nested too deeply") from error
    except (ValueError, ArithmeticError) as error:
        raise _bad("they are not JSON") from error
    if not isinstance(value, dict):
        raise _bad("they are not a JSON object")
    _check(value, 1)
    return value


def leaves(value: Value) -> Iterator[str | int | Decimal | bool]:
    """Yield every value that stands at the end of a branch, and every key of an inner object; nulls are nothing."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value


def plain(value: Value) -> object:
    """Return the value with exact decimals as text, for canonical bytes."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return f"decimal:{value}" if isinstance(value, Decimal) else _exact(value)


def _exact(value: str | int | bool | None) -> object:  # noqa: FBT001 - the value itself is what is looked at
    # A whole number beyond 64 bits has no canonical JSON; as text it has.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return f"integer:{value}"
    return value


def _members(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    seen: set[str] = set()
    for name, _ in pairs:
        folded = unicodedata.normalize("NFKC", name).casefold().strip()
        if folded in seen:
            raise _bad("a name is there twice")
        seen.add(folded)
    return dict(pairs)


def _constant(name: str) -> NoReturn:  # noqa: ARG001 - json's own signature
    raise _bad("NaN and Infinity are no JSON")


def _check(value: Value, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _bad("they are nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check_text(name)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _bad("a text holds half a character") from error


def _bad(why: str) -> BadArguments:
    return BadArguments(f"the arguments can't be read: {why}", mend="send one JSON object, each name once")
