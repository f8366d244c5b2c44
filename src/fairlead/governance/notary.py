"""The notary of runs and gates: says what their attestation must say, and has it signed and appended."""

from collections.abc import Mapping
from typing import Protocol

from fairlead.core import Clock, canonical_bytes
from fairlead.evals import GateResult, Run
from fairlead.ledger import Fact, Kind, Predicate


class Book(Protocol):
    """Signs and appends; ``fairlead.ledger.records.Ledger`` does."""

    def attest(self, kind: Kind, subjects: Mapping[str, bytes], predicate: Predicate) -> object:
        """Sign a statement about records and append it."""
        ...


class Notary:
    """Attests the records of one System.

    Args:
        book: Where attestations go.
        clock: For their times.
        tenant: Whose System.
        system: Its name in the policy.
    """

    def __init__(self, book: Book, clock: Clock, *, tenant: str, system: str) -> None:
        self._book = book
        self._clock = clock
        self._tenant = tenant
        self._system = system

    def attest_run(self, run: Run) -> None:
        """Attest a run: which suite, which Release, which model."""
        facts: dict[str, Fact] = {
            "suite": run.suite,
            "suite_digest": run.suite_digest,
            "policy": run.key.policy,
            "model": run.key.model,
            "cases": len(run.results),
        }
        self._attest("run", run.id, run, outcome="complete" if len(run.results) == run.planned else "incomplete", facts=facts)

    def attest_gate(self, result: GateResult) -> None:
        """Attest the answer of a gate."""
        facts: dict[str, Fact] = {
            "suite": result.suite,
            "suite_digest": result.suite_digest,
            "policy": result.key.policy,
            "run": result.run,
            "run_digest": result.run_digest,
        }
        self._attest("gate", result.digest, result, outcome=result.answer, facts=facts)

    def _attest(self, kind: Kind, name: str, record: Run | GateResult, *, outcome: str, facts: dict[str, Fact]) -> None:
        said = Predicate(at_us=self._clock.now_us(), tenant=self._tenant, system=self._system, outcome=outcome, facts=facts)
        self._book.attest(kind, {name: canonical_bytes(record)}, said)
