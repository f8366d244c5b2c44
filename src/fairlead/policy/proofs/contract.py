"""What the broker promises of every context that it hands to Cedar, as terms.

Only what ``agents.facts`` really keeps to stands here, since a proof assumes it; a test runs the broker on random calls and looks whether
each of these holds of what it computed.
"""

from collections.abc import Iterable, Iterator, Mapping

from fairlead.policy.cedar import SCALE
from fairlead.policy.proofs.law import CLOSED
from fairlead.policy.proofs.sets import Given, Sets
from fairlead.policy.proofs.terms import LONG, Name, Term, Terms
from fairlead.policy.tools import Kind

RECIPIENTS = ("to", "cc", "bcc")
"""Arguments that stand for each other: one can have origins and domains by the others, without being there itself."""
MAX_NUMBER = 10**14
"""A larger number has no ten-thousandths; the broker leaves them out."""


class Facts:
    """Builds the variables of a context, as the encoder names them."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def flag(self, *path: str) -> Term:
        """Return a Bool of the context."""
        return self.terms.variable(Name("value", path))

    def number(self, *path: str) -> Term:
        """Return a Long of the context."""
        return self.terms.variable(Name("value", path, "int"))

    def text(self, *path: str) -> Term:
        """Return a String of the context."""
        return self.terms.variable(Name("value", path, "text"))

    def there(self, section: str, name: str, kind: str) -> Term:
        """Return whether an optional attribute is there."""
        return self.terms.variable(Name("has", (section, name), text=kind))

    def holds(self, text: str, *path: str) -> Term:
        """Return whether a set has a text in it."""
        return self.terms.variable(Name("holds", path, text=text))

    def at_least(self, number: Term, bound: Term | int) -> Term:
        """Return whether a number is as large as another."""
        return self.terms.less(self.terms.constant(bound) if isinstance(bound, int) else bound, number, strict=False)

    def from_to(self, number: Term, low: int, high: int) -> Term:
        """Return whether a number is within bounds, both of them included."""
        return self.terms.every(self.at_least(number, low), self.at_least(self.terms.constant(high), number))


def contract(sets: Sets, kinds: Iterable[tuple[str, Kind]], used: Mapping[Name, Term]) -> list[Term]:
    """Return what holds of every context of a tool's calls.

    Args:
        sets: Of the terms of the question.
        kinds: Its arguments; one with two kinds (of two releases) twice.
        used: The variables of the question: what is only about others is left out.
    """
    facts, pairs = Facts(sets.terms), list(kinds)
    found = [*_session(facts)]
    for name, kind in pairs:
        found += _origins(facts, name)
        found += _argument(facts, name, kind)
        if kind in ("string", "strings", "any"):
            some = facts.terms.negation(sets.empty(Given(("derived", f"{name}.domains"))))
            found.append(facts.terms.implies(facts.there("derived", f"{name}.domains", "Set<String>"), some))
        if Name("value", ("derived", f"{name}.length"), "int") in used:
            found += _length(facts, name, kind)
    found += [_bounds(facts, name) for name in used if name.sort == "int"]
    return [term for term in found if term is not sets.terms.true]


def _bounds(facts: Facts, name: Name) -> Term:
    return facts.from_to(facts.terms.variable(name), -LONG, LONG - 1)


def _session(facts: Facts) -> Iterator[Term]:
    terms = facts.terms
    tainted, calls = facts.flag("session", "tainted"), facts.number("session", "calls")
    yield facts.at_least(calls, 1)
    yield facts.at_least(facts.number("session", "step"), calls)
    yield facts.at_least(facts.number("token", "depth"), 0)
    yield terms.some(facts.flag("session", "intended"), tainted)
    yield terms.some(facts.flag("readers_ok"), facts.flag("session", "private_seen"))
    yield terms.some(facts.flag("content_ok"), tainted)


def _origins(facts: Facts, name: str) -> Iterator[Term]:
    terms, tainted = facts.terms, facts.flag("session", "tainted")
    label = {text: facts.holds(text, "prov", name) for text in CLOSED["prov"]}
    there = facts.there("prov", name, "Set<String>")
    yield terms.equal(there, terms.some(*label.values()))
    yield terms.implies(terms.some(label["quoted"], label["derived"]), label["untrusted"])
    yield terms.implies(label["untrusted"], terms.some(label["quoted"], label["derived"]))
    yield terms.implies(label["model"], terms.negation(tainted))
    yield terms.implies(terms.some(label["quoted"], label["typed"]), tainted)
    if name not in RECIPIENTS:
        yield terms.implies(there, facts.holds(name, "present"))


def _argument(facts: Facts, name: str, kind: Kind) -> Iterator[Term]:
    terms, present = facts.terms, facts.holds(name, "present")
    given = facts.there("input", name, _TYPE[kind]) if kind in _TYPE else None
    if given is not None:
        yield terms.implies(given, present)
    if kind in ("integer", "number"):
        yield from _number(facts, name, given)
        return
    if kind == "boolean":
        return
    yield terms.implies(facts.there("derived", f"{name}.hosts", "Set<String>"), present)
    if name not in RECIPIENTS:
        yield terms.implies(facts.there("derived", f"{name}.domains", "Set<String>"), present)
    yield facts.there("derived", f"{name}.count", "Long")
    yield facts.at_least(facts.number("derived", f"{name}.count"), 0)


def _number(facts: Facts, name: str, given: Term | None) -> Iterator[Term]:
    terms, scaled = facts.terms, facts.number("derived", f"{name}.e4")
    there, minor = (facts.there("derived", f"{name}.{form}", "Long") for form in ("e4", "minor"))
    total, sums = facts.number("session", f"{name}.total.e4"), facts.there("session", f"{name}.total.e4", "Long")
    most = MAX_NUMBER * SCALE - 1
    yield terms.implies(there, terms.every(facts.holds(name, "present"), facts.from_to(scaled, -most, most)))
    hundredths = terms.arithmetic("multiply", terms.constant(100), facts.number("derived", f"{name}.minor"))
    yield terms.implies(minor, terms.every(there, terms.equal(scaled, hundredths)))
    yield terms.implies(sums, terms.every(facts.holds(name, "present"), facts.at_least(total, 0)))
    spent = terms.every(facts.at_least(total, scaled), facts.at_least(total, terms.arithmetic("subtract", terms.constant(0), scaled)))
    yield terms.implies(terms.every(sums, there), spent)
    yield terms.implies(there, sums)
    if given is not None:
        value = facts.number("input", name)
        exact = terms.arithmetic("multiply", terms.constant(SCALE), value)
        fits = facts.from_to(value, 1 - MAX_NUMBER, MAX_NUMBER - 1)
        yield terms.implies(terms.every(given, there), terms.every(fits, terms.equal(scaled, exact)))
        yield terms.implies(terms.every(given, fits), there)


def _length(facts: Facts, name: str, kind: Kind) -> Iterator[Term]:
    terms, length, there = facts.terms, facts.number("derived", f"{name}.length"), facts.there("derived", f"{name}.length", "Long")
    yield terms.implies(there, terms.every(facts.holds(name, "present"), facts.at_least(length, 0)))
    if kind == "string":
        given = facts.there("input", name, "String")
        yield terms.implies(given, terms.every(there, terms.equal(length, terms.length(facts.text("input", name)))))


_TYPE: Mapping[Kind, str] = {"string": "String", "strings": "Set<String>", "integer": "Long", "boolean": "Bool"}
