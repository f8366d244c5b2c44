r"""Prefix closures: which texts can still become, or extend, a match.

For each pattern two RE2 expressions are derived from Python's own parse tree:

* *full*, the pattern without its look-arounds: it matches wherever the pattern does, and perhaps more;
* *open*, which matches every prefix of every match: ``Pre(ab) = Pre(a) | a Pre(b)``, ``Pre(a|b) = Pre(a) | Pre(b)``,
  ``Pre(e{m,n}) = e{0,n-1} Pre(e)``.

Dropping a look-around, and opening a large count to ``*``, only makes more texts "still alive": a stream then holds a little more
and stays exact. What would make it inexact is refused: back-references, anchors, look-aheads longer than one character,
look-behinds longer than :data:`LOOK_BEHIND`, and matches without an upper bound.
"""

import re
import re._constants as code  # type: ignore[import-not-found] # the parse tree has no stub and no other door
import re._parser as parser  # type: ignore[import-not-found] # the same
from typing import Any, NamedTuple

from fairlead.detectors.errors import UnsupportedPattern

CONTEXT = 56
"""Characters of left context that a stream keeps: context words are looked for there, and nowhere else."""
LOOK_BEHIND = 2
"""Characters that a look-behind may have."""
MAX_WIDTH = 4095
"""Characters that a match may have at most."""
LINEAR = 1000
"""Counts that RE2 can keep."""
HEAD = 8
"""Characters that the head of a pattern has."""
SHORT = 3
"""Counts up to this are kept whole in a head."""
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
    head: str
    """What every match begins with, a few characters long: small enough for hundreds of them to share one automaton."""
    width: int
    """Characters that a match has at most."""
    spaceless: bool
    """True when no match holds white space."""


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
    scope = _Scope(name, counted, ignore_case=bool(tree.state.flags & code.SRE_FLAG_IGNORECASE))
    full, prefix = _sequence(tree, scope)
    return Closure(full, prefix, _edge(tree, scope) + _head(tree, scope, HEAD)[0], int(high), _spaceless(tree))


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


WHITE = "\t\n\x0b\x0c\r "


def _spaceless(items: Any) -> bool:  # noqa: ANN401 - a parse tree of the standard library, untyped there
    """Tell whether no match of a sequence holds white space."""
    for operator, argument in items:
        if operator in (code.MAX_REPEAT, code.MIN_REPEAT):
            clear = _spaceless(argument[2])
        elif operator is code.SUBPATTERN:
            clear = _spaceless(argument[3])
        elif operator is code.BRANCH:
            clear = all(_spaceless(inner) for inner in argument[1])
        elif operator in _SINGLE:
            clear = not any(_takes(operator, argument, ord(space)) for space in WHITE)
        else:
            clear = True
        if not clear:
            return False
    return True


def _takes(operator: Any, argument: Any, character: int) -> bool:  # noqa: ANN401 - the same
    if operator is not code.IN:
        return operator is code.ANY or (argument == character) is (operator is code.LITERAL)
    negated, taken = False, False
    for kind, value in argument:
        negated = negated or kind is code.NEGATE
        taken = (
            taken
            or (kind is code.LITERAL and value == character)
            or (kind is code.RANGE and value[0] <= character <= value[1])
            or (kind is code.CATEGORY and value in (code.CATEGORY_SPACE, code.CATEGORY_NOT_DIGIT, code.CATEGORY_NOT_WORD))
        )
    return taken is not negated


def _edge(items: Any, scope: _Scope) -> str:  # noqa: ANN401 - a parse tree of the standard library, untyped there
    """Return what stands before a match whose expression begins with a look-behind for one character; a run of letters has few edges."""
    operator, argument = items[0]
    if operator is code.ASSERT_NOT and argument[0] < 0 and len(argument[1]) == 1 and argument[1][0][0] is code.IN:
        inner = _single(code.IN, argument[1][0][1], scope)
        if not inner.startswith("[^"):
            return rf"(?:\A|[^{inner[1:]})"
    return ""


def _head(items: Any, scope: _Scope, budget: int) -> tuple[str, int]:  # noqa: ANN401 - a parse tree of the standard library, untyped there
    """Return what a sequence begins with, and how many characters may still follow; 0 when its end was cut off."""
    out = ""
    for operator, argument in items:
        if budget <= 0:
            break
        part, budget = _head_of(operator, argument, scope, budget)
        out += part
    return out, budget


def _head_of(operator: Any, argument: Any, scope: _Scope, budget: int) -> tuple[str, int]:  # noqa: ANN401 - the same
    if operator in _SINGLE:
        return _single(operator, argument, scope), budget - 1
    if operator is code.SUBPATTERN:
        return _head(argument[3], scope._replace(ignore_case=scope.ignore_case or bool(argument[1] & code.SRE_FLAG_IGNORECASE)), budget)
    if operator is code.BRANCH:
        heads = [_head(inner, scope, budget) for inner in argument[1]]
        return f"(?:{'|'.join(head for head, _ in heads)})", min(rest for _, rest in heads)
    if operator in (code.MAX_REPEAT, code.MIN_REPEAT):
        low, high, inner = argument
        if high <= SHORT:
            part, left = _head(inner, scope, budget)
            return f"(?:{part}){{{low if left else min(low, 1)},{high if left else 1}}}", budget - max(low, 1) * (
                budget - left
            ) if left else 0
        part, left = _head(inner, scope, budget)
        times = min(low, budget // max(1, budget - left)) if left else min(low, 1)
        return (f"(?:{part}){{{times}}}" if times else ""), 0 if times < low or high > low else left - (times - 1) * (budget - left)
    return "", budget


def _check_look_around(argument: Any, scope: _Scope) -> None:  # noqa: ANN401 - the same
    direction, inner = argument
    width = inner.getwidth()[1]
    if direction > 0 and width > 1:
        raise UnsupportedPattern("a look-ahead is longer than one character", where=scope.name, mend="make it part of the match")
    if direction < 0 and width > LOOK_BEHIND:
        raise UnsupportedPattern(
            f"a look-behind is longer than {LOOK_BEHIND} characters", where=scope.name, mend="make it part of the match"
        )


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
