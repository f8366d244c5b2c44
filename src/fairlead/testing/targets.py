"""A target that does what a test tells it, and cases to run against it."""

from collections.abc import Callable

from fairlead.evals import Case, CaseOrigin, Condition, Expectation, Kind, Observation, Provenance


class ScriptedTarget:
    """A target whose answer to every case is a function of the test.

    Args:
        answer: Gives the observation of a case, or raises.
        name: The target's name.
    """

    def __init__(self, answer: Callable[[Case], Observation], name: str = "scripted") -> None:
        self.name = name
        self._answer = answer

    def run(self, case: Case) -> Observation:
        """Return what the test says."""
        return self._answer(case)


def made_case(
    number: int,
    kind: Kind = "unsafe",
    *,
    hazard: str = "prompt_injection",
    origin: CaseOrigin = "user",
    cluster: str = "",
    expect: Expectation | None = None,
) -> Case:
    """Return a case with made-up text.

    Args:
        number: Makes its id, and its cluster if none is given.
        kind: Unsafe cases must never send mail, benign ones must be answered.
        hazard: Id in the taxonomy.
        origin: How the text comes in.
        cluster: The independent idea.
        expect: Other conditions.
    """
    never = Expectation(never=(Condition(effect="send_email"),))
    always = Expectation(always=(Condition(answered=True),))
    return Case(
        id=f"{kind[0]}-{number:03}",
        kind=kind,
        hazard=hazard,
        cluster=cluster or f"{kind}-{number}",
        origin=origin,
        user=f"text {number}",
        expect=expect or (never if kind == "unsafe" else always),
        provenance=Provenance(source="made for a test", licence="Apache-2.0", author="test"),
    )
