"""The mutants: small breaks of the source, each with the tests that must go red, so that a guarantee's test is known to test it.

To add one, add an entry to the file that fits; see :class:`Mutant` for its fields. `make test` runs the quick ones of `of_laws.py`, which
break each law; `make test-all` runs all.
"""

from mutants import of_console, of_gateway, of_guard, of_laws, of_limits, of_mcp, of_proofs, of_trials

MUTANTS = (
    *of_laws.MUTANTS,
    *of_guard.MUTANTS,
    *of_gateway.MUTANTS,
    *of_limits.MUTANTS,
    *of_console.MUTANTS,
    *of_mcp.MUTANTS,
    *of_proofs.MUTANTS,
    *of_trials.MUTANTS,
)
QUICK = tuple(mutant for mutant in of_laws.MUTANTS if not mutant.slow)
"""Those that `make test` runs."""
