"""The mutants: small breaks of the source, each with the tests that must go red.

A mutant shows that a law's test tests it. To add one, add an entry: the law (0 for a guarantee that no law names), the file below
``src/fairlead``, the exact old text (it must stand there exactly once), what stands there instead, and the node ids that must fail.
Name the narrowest test that should see it: that is what keeps the run short.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One break."""

    law: int
    file: str
    old: str
    new: str
    red: tuple[str, ...]


MUTANTS = (
    Mutant(
        law=0,
        file="agents/broker.py",
        old='return ToolVerdict(action="block", rule=UNLISTED',
        new='return ToolVerdict(action="allow", rule=UNLISTED',
        red=("tests/agents/test_broker.py::test_a_tool_that_is_not_listed_is_denied",),
    ),
    Mutant(
        law=5,
        file="evals/compare.py",
        old="    others = [name for name in differing if name != varied]",
        new="    others = differing[1:]",
        red=("tests/evals/test_law5_comparability.py::test_only_the_declared_factor_may_differ",),
    ),
    Mutant(
        law=6,
        file="statistics/claims.py",
        old="    low, high = bounds(sample, alpha=claim.alpha)",
        new="    low = high = sample.k / sample.n",
        red=("tests/statistics/test_law6_honest_numbers.py::test_a_zero_is_no_proof_until_n_carries_it",),
    ),
    Mutant(
        law=7,
        file="policy/compile.py",
        old="    if document is None or problems:",
        new="    if document is None:",
        red=("tests/policy/test_law7_refusal.py::test_each_mistake_is_told_with_line_and_mend",),
    ),
)
