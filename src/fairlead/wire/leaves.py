"""Any value made of lists, mappings and texts: its texts as Segments, and a copy of it in which some stand otherwise.

Paths are kept in records (law 4), and here any key may be a text: a key stands in a path as ``#`` and its place.
"""

from collections.abc import Iterator, Mapping

from fairlead.core import Segment
from fairlead.wire.fields import KEY, Text, is_name

_LEAST_NUMBER = 1_000_000
"""A whole number with fewer digits than seven names nobody."""


def texts_in(value: object, path: str, kind: Text, *, thorough: bool = False) -> Iterator[Segment]:
    """Yield every text of a value; a key of a mapping that is more than a short name is one too (its path ends in ``#key``).

    Args:
        value: Texts, lists, tuples, mappings with texts as keys; anything else in it holds no text.
        path: Where it stands.
        kind: Origin and Stage of its texts.
        thorough: Whether short names are texts too, and whole numbers of at least seven digits: a card number is one without quotes.
    """
    if isinstance(value, str):
        yield Segment(path=path, origin=kind.origin, stage=kind.stage, text=value)
    elif isinstance(value, Mapping):
        for place, (key, item) in enumerate(value.items()):
            if isinstance(key, str) and (thorough or not is_name(key)):
                yield Segment(path=f"{path}/#{place}{KEY}", origin=kind.origin, stage=kind.stage, text=key)
            yield from texts_in(item, f"{path}/#{place}", kind, thorough=thorough)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from texts_in(item, f"{path}/{place}", kind, thorough=thorough)
    elif thorough and isinstance(value, int) and abs(value) >= _LEAST_NUMBER:
        yield Segment(path=path, origin=kind.origin, stage=kind.stage, text=str(value))


def with_texts(value: object, path: str, texts: Mapping[str, str]) -> object:
    """Return a value with other texts in it; it is copied where it changes, never changed in place.

    Of keys that become alike the later ones get their number, so that no value is lost.

    Args:
        value: As for :func:`texts_in`.
        path: Where it stands.
        texts: Path of each text that changes, and what stands there now.
    """
    if path in texts:
        return texts[path]
    if not any(changed.startswith(f"{path}/") for changed in texts):
        return value
    if isinstance(value, Mapping):
        out: dict[object, object] = {}
        for place, (key, item) in enumerate(value.items()):
            named = texts.get(f"{path}/#{place}{KEY}", key)
            out[_free(named, out)] = with_texts(item, f"{path}/#{place}", texts)
        return out
    if isinstance(value, list | tuple):
        items = [with_texts(item, f"{path}/{place}", texts) for place, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    return value


def pointer_to(value: object, path: str) -> str:
    """Return the JSON pointer (RFC 6901) of a place that :func:`texts_in` named; of a key, that of its value.

    Args:
        value: What the path begins in, after the change: keys are named as they stand there now.
        path: The path without what comes before the value, such as ``/#0/3``.
    """
    here, out = value, ""
    for token in path.removesuffix(KEY).split("/")[1:]:
        key: object = int(token.removeprefix("#"))
        if isinstance(here, Mapping):
            key = list(here)[int(token.removeprefix("#"))]
            here = here[key]
        elif isinstance(here, list | tuple):
            here = here[int(token)]
        out += "/" + str(key).replace("~", "~0").replace("/", "~1")
    return out


def _free(key: object, taken: Mapping[object, object]) -> object:
    number, free = 2, key
    while free in taken:
        free, number = f"{key} ({number})", number + 1
    return free
