"""Decoded JSON, at the edge only: reading it, looking into it, changing a text of it."""

import msgspec

from fairlead.core import InvalidInput

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""Decoded JSON."""


def encode(body: Json) -> bytes:
    """Return the JSON of a body, as the wire wants it."""
    return msgspec.json.encode(body)


def read_object(data: bytes) -> dict[str, Json]:
    """Decode a body that must be a JSON object.

    Raises:
        InvalidInput: It is not. Of a key that stands twice the last counts, here and for whoever gets the body, since that is sent
            what was read and not what came.
    """
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the body is not valid JSON", mend="send UTF-8 JSON, nested at most a few hundred deep") from error
    if not isinstance(body, dict):
        raise InvalidInput("the body is not a JSON object", mend="send an object")
    return body


def text_of(value: Json) -> str:
    """Return a value that should be a string; empty when it is not."""
    return value if isinstance(value, str) else ""


def object_of(value: Json) -> dict[str, Json]:
    """Return a value that should be an object; empty when it is not."""
    return value if isinstance(value, dict) else {}


def list_of(value: Json) -> list[Json]:
    """Return a value that should be a list; empty when it is not."""
    return value if isinstance(value, list) else []


def value_at(document: Json, path: str) -> Json:
    """Return what stands at a JSON pointer of a decoded document.

    Args:
        document: Decoded JSON.
        path: Path of an existing value.

    Raises:
        KeyError: The pointer leads nowhere.
    """
    here = document
    for token in path.split("/")[1:]:
        here = _step(here, token)
    return here


def replace_at(document: Json, path: str, value: Json) -> None:
    """Put a value at a JSON pointer of a decoded document, in place.

    Args:
        document: Decoded JSON, changed in place.
        path: Path of an existing value, as a Segment gives it; a key (``…#key``) can't be replaced.
        value: What to put there; None for nothing.

    Raises:
        KeyError: The pointer leads nowhere.
    """
    tokens = path.split("/")[1:]
    here: Json = document
    for token in tokens[:-1]:
        here = _step(here, token)
    last = tokens[-1]
    if isinstance(here, dict) and _key(here, last) in here:
        here[_key(here, last)] = value
    elif isinstance(here, list) and last.isdigit() and int(last) < len(here):
        here[int(last)] = value
    else:
        raise KeyError(path)


def _step(here: Json, token: str) -> Json:
    if isinstance(here, dict):
        return here[_key(here, token)]
    if isinstance(here, list):
        return here[int(token)]
    raise KeyError(token)


def _key(record: dict[str, Json], token: str) -> str:
    if token.startswith("#") and token[1:].isdigit():
        return list(record)[int(token[1:])]
    return token.replace("~1", "/")
