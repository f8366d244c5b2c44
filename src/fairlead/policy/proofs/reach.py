"""Which requests a test of a policy can make: a single first call, by nobody in particular, after texts with plain origins."""

from collections.abc import Iterable, Iterator

from fairlead.policy.proofs.contract import Facts
from fairlead.policy.proofs.law import CLOSED, UNDECLARED
from fairlead.policy.proofs.terms import Name, Term, Terms

PLAIN = ("user", "system", "developer", "model", "untrusted", "quoted", "derived")
"""Origins that texts alone give; the others take a Trajectory."""


def in_reach(terms: Terms, arguments: Iterable[str]) -> Iterator[Term]:
    """Yield what holds of a request that a test can make."""
    facts = Facts(terms)
    yield terms.negation(facts.flag("session", "private_seen"))
    for path, value in ((("session", "calls"), 1), (("session", "step"), 1), (("token", "depth"), 0)):
        yield terms.equal(facts.number(*path), terms.constant(value))
    yield terms.equal(facts.text("principal"), terms.constant(""))
    yield terms.negation(terms.variable(Name("more", UNDECLARED)))
    for name in arguments:
        labels = {text: facts.holds(text, "prov", name) for text in CLOSED["prov"]}
        yield terms.negation(terms.some(*(term for text, term in labels.items() if text not in PLAIN)))
        # An argument that is there has a value, and each value an origin.
        yield terms.equal(facts.holds(name, "present"), facts.there("prov", name, "Set<String>"))
