r"""Prefix closures: which texts can still become, or extend, a match.

For each pattern two RE2 expressions are derived from Python's own parse tree:

* *full*, the pattern without its look-arounds: it matches wherever the pattern does, and perhaps more;
* *open*, which matches every prefix of every match: ``Pre(ab) = Pre(a) | a Pre(b)``, ``Pre(a|b) = Pre(a) | Pre(b)``,
  ``Pre(e{m,n}) = e{0,n-1} Pre(e)``.

Dropping a look-around, and opening a large count to ``*``, only makes more texts "still alive": a stream then holds a little more
and stays exact. What would make it inexact is refused: back-references, anchors, look-aheads longer than one character,
look-behinds longer than :data:`CONTEXT`, and matches without an upper bound.
"""

import re
import re._constants as code  # type: ignore[import-not-found] # the parse tree has no stub and no other door
import re._parser as parser  # type: ignore[import-not-found] # the same
from typing import Any, NamedTuple

from fairlead.detectors.errors import UnsupportedPattern

CONTEXT = 2
"""Characters of left context that a stream keeps for look-behinds."""
MAX_WIDTH = 4095
"""Characters that a match may have at most."""
COUNTED = 16
"""Counts above this are opened to ``*``: counted automata are large."""

_CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d",
    code.CATEGORY_NOT_DIGIT: r"\D",
    code.CATEGORY_SPACE: r"\x{9}-\x{d} ",  # RE2's \s lacks the vertical tab
    code.CATEGORY_NOT_SPACE: r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{10ffff}",
    code.CATEGORY_WORD: r"\w",
    code.CATEGORY_NOT_WORD: r"\W",
}
_SINGLE = (code.LITERAL, code.NOT_LITERAL, code.IN, code.ANY)


class Closure(NamedTuple):
    """RE2 expressions of one pattern."""

    full: str
    open: str
    width: int
    """Characters that a match has at most."""


def closure_of(name: str, expression: str, counted: int = COUNTED) -> Closure:
    """Derive the closure of a pattern.

    Args:
        name: Name of the pattern, for the error.
        expression: Python regular expression, read with ASCII classes.
        counted: Counts above this are opened to ``*``.

    Raises:
        UnsupportedPattern: It can't be decided exactly in a stream; the reason is given.
    """
    try:
        tree = parser.parse(expression, re_ascii())
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsupportedPattern("the pattern is not a regular expression", where=name, mend="mend its syntax") from error
    low, high = tree.getwidth()
    if low < 1:
        raise UnsupportedPattern("the pattern matches the empty text", where=name, mend="make it match at least one character")
    if high > MAX_WIDTH:
        raise UnsupportedPattern("the pattern has no upper bound", where=name, mend=f"bound its repeats; at most {MAX_WIDTH} characters")
    full, prefix = _sequence(tree, _Scope(name, counted, ignore_case=bool(tree.state.flags & code.SRE_FLAG_IGNORECASE)))
    return Closure(full, prefix, int(high))


def re_ascii() -> int:
    r"""Return the flag under which patterns are read: ``\\d``, ``\\w`` and ``\\s`` are ASCII in both engines."""
    return int(code.SRE_FLAG_ASCII)


class _Scope(NamedTuple):
    name: str
    counted: int
    ignore_case: bool


def _sequence(items: Any, scope: _Scope) -> tuple[str, str]:  # noqa: ANN401 - a parse tree of the standard library, untyped there
    pairs = [pair for pair in (_node(operator, argument, scope) for operator, argument in items) if pair != ("", "")]
    if not pairs:
        return "", ""
    prefix = pairs[-1][1]
    for full, own in reversed(pairs[:-1]):
        prefix = f"(?:{own}|{full}{prefix})"
    return "".join(full for full, _ in pairs), prefix


def _node(operator: Any, argument: Any, scope: _Scope) -> tuple[str, str]:  # noqa: ANN401 - the same
    if operator in _SINGLE:
        single = _single(operator, argument, scope)
        return single, f"(?:{single})?"
    if operator is code.SUBPATTERN:
        _, added, _, inner = argument
        return _sequence(inner, scope._replace(ignore_case=scope.ignore_case or bool(added & code.SRE_FLAG_IGNORECASE)))
    if operator is code.BRANCH:
        fulls, prefixes = zip(*(_sequence(inner, scope) for inner in argument[1]), strict=True)
        return f"(?:{'|'.join(fulls)})", f"(?:{'|'.join(prefixes)})"
    if operator in (code.MAX_REPEAT, code.MIN_REPEAT):
        return _repeat(argument, scope)
    if operator in (code.ASSERT, code.ASSERT_NOT):
        _check_look_around(argument, scope)
        return "", ""
    raise UnsupportedPattern(
        f"the pattern uses {str(operator).lower()}",
        where=scope.name,
        mend="use classes, groups, alternatives, bounded repeats and look-arounds",
    )


def _repeat(argument: Any, scope: _Scope) -> tuple[str, str]:  # noqa: ANN401 - the same
    low, high, inner = argument
    full, prefix = _sequence(inner, scope)
    unit = f"(?:{full})"
    if high > scope.counted:
        whole, before = f"{unit}{{{min(low, scope.counted)},}}", f"{unit}*"
    else:
        whole, before = f"{unit}{{{low},{high}}}", f"{unit}{{0,{max(high - 1, 0)}}}"
    if len(inner) == 1 and inner[0][0] in _SINGLE:
        return whole, f"{unit}*" if high > scope.counted else f"{unit}{{0,{high}}}"
    return whole, f"{before}(?:{prefix})"


def _check_look_around(argument: Any, scope: _Scope) -> None:  # noqa: ANN401 - the same
    direction, inner = argument
    width = inner.getwidth()[1]
    if direction > 0 and width > 1:
        raise UnsupportedPattern("a look-ahead is longer than one character", where=scope.name, mend="make it part of the match")
    if direction < 0 and width > CONTEXT:
        raise UnsupportedPattern(f"a look-behind is longer than {CONTEXT} characters", where=scope.name, mend="make it part of the match")


def _single(operator: Any, argument: Any, scope: _Scope) -> str:  # noqa: ANN401 - the same
    if operator is code.ANY:
        return "(?s:.)"
    if operator is code.IN:
        return _class(argument, scope)
    ranges = "".join(_range(first, last) for first, last in _cases(argument, argument, scope))
    return f"[^{ranges}]" if operator is code.NOT_LITERAL else f"[{ranges}]"


def _class(items: Any, scope: _Scope) -> str:  # noqa: ANN401 - the same
    negated, parts = "", []
    for operator, argument in items:
        if operator is code.NEGATE:
            negated = "^"
        elif operator is code.LITERAL:
            parts += [_range(*pair) for pair in _cases(argument, argument, scope)]
        elif operator is code.RANGE:
            parts += [_range(*pair) for pair in _cases(argument[0], argument[1], scope)]
        elif argument in _CATEGORIES:
            parts.append(_CATEGORIES[argument])
        else:
            raise UnsupportedPattern("a class uses a Unicode category", where=scope.name, mend="use \\d, \\w, \\s or ranges")
    return f"[{negated}{''.join(parts)}]"


def _cases(first: int, last: int, scope: _Scope) -> list[tuple[int, int]]:
    """Return a range and, where case is ignored, its ASCII letters in the other case: RE2's own flag would fold more than ASCII."""
    ranges = [(first, last)]
    if scope.ignore_case:
        for low, high, shift in ((0x41, 0x5A, 0x20), (0x61, 0x7A, -0x20)):
            begin, end = max(first, low), min(last, high)
            if begin <= end:
                ranges.append((begin + shift, end + shift))
    return ranges


def _range(first: int, last: int) -> str:
    return f"\\x{{{first:x}}}" if first == last else f"\\x{{{first:x}}}-\\x{{{last:x}}}"
