"""Any value made of lists, mappings and texts: its texts as Segments, and a copy of it in which some stand otherwise.

Paths are kept in records (law 4), and here any key may be a text: a key stands in a path as ``#`` and its place.
"""

from collections.abc import Collection, Iterator, Mapping

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
    above = {place for changed in texts for place in _above(changed.removesuffix(KEY))}
    return _changed(value, path, texts, above)


def pointers_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield for each place that :func:`texts_in` could name its JSON pointer (RFC 6901) below the value.

    Args:
        value: After the change: keys are named as they stand there now.
        path: Where it stands; the pointer does not begin with it.
    """
    yield from _pointers(value, path, "")


def _above(path: str) -> Iterator[str]:
    """Yield the places that hold a place, itself included."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _changed(value: object, path: str, texts: Mapping[str, str], above: Collection[str]) -> object:
    if path in texts:
        return texts[path]
    if path not in above:
        return value
    if isinstance(value, Mapping):
        out: dict[object, object] = {}
        numbers: dict[object, int] = {}
        for place, (key, item) in enumerate(value.items()):
            here = f"{path}/#{place}"
            out[_free(texts.get(f"{here}{KEY}", key), out, numbers)] = _changed(item, here, texts, above)
        return out
    if isinstance(value, list | tuple):
        items = [_changed(item, f"{path}/{place}", texts, above) for place, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    return value


def _free(key: object, taken: Mapping[object, object], numbers: dict[object, int]) -> object:
    """Return a key that is not taken: itself, or itself with the next number."""
    free = key
    while free in taken:
        numbers[key] = numbers.get(key, 1) + 1
        free = f"{key} ({numbers[key]})"
    return free


def _pointers(value: object, path: str, pointer: str) -> Iterator[tuple[str, str]]:
    yield path, pointer
    if isinstance(value, Mapping):
        for place, (key, item) in enumerate(value.items()):
            named = str(key).replace("~", "~0").replace("/", "~1")
            yield from _pointers(item, f"{path}/#{place}", f"{pointer}/{named}")
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _pointers(item, f"{path}/{place}", f"{pointer}/{place}")
