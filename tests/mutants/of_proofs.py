"""Mutants of the proofs: each would let something unproven pass for proven."""

from mutants.model import Mutant

MUTANTS = (
    Mutant(
        law=0,
        file="policy/proofs/contract.py",
        old='    yield terms.implies(label["model"], terms.negation(tainted))',
        new='    yield terms.implies(label["model"], tainted)',
        red=("tests/agents/test_proof_contract.py::test_every_promise_holds_of_what_the_broker_computes",),
    ),
    Mutant(
        law=0,
        file="policy/proofs/encode.py",
        old="self.terms.some(left.error, self.terms.every(reached, right.error))",
        new="self.terms.some(left.error, right.error)",
        red=("tests/policy/test_proofs_engine.py::test_ten_thousand_random_cases_are_answered_as_the_engine_does",),
    ),
    Mutant(
        law=0,
        file="policy/proofs/findings.py",
        old='"review": 11,',
        new='"review": 0,',
        red=("tests/policy/test_proofs.py::test_what_can_not_be_translated_is_for_review_by_name_and_never_silent",),
    ),
    Mutant(
        law=0,
        file="policy/proofs/solver.py",
        old='        if not answer.isSat():\n            return Search("unknown")',
        new='        if not answer.isSat():\n            return Search("none")',
        red=("tests/policy/test_proofs.py::test_a_question_that_takes_too_long_is_for_review",),
    ),
    Mutant(
        law=0,
        file="policy/proofs/taint.py",
        old="            yield terms.some(same, fell)",
        new="            yield same",
        red=("tests/policy/test_proofs.py::test_a_condition_on_origins_that_is_turned_round_is_found",),
    ),
)
