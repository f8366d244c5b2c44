"""Attack sets: suites of which every case is an attack with a goal."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from fairlead.core import FairleadError, Problems
from fairlead.evals import Suite, read_suite
from fairlead.redteam.converters import Converter, convert_case
from fairlead.redteam.errors import NotAnAttack


def read_attacks(path: Path) -> Suite:
    """Read an attack set, written as a suite.

    Args:
        path: The YAML file.

    Raises:
        NotFound: The file or its cases are not there.
        Problems: Something in it is wrong, or some case is no attack; lists all.
    """
    suite = read_suite(path)
    problems: tuple[FairleadError, ...] = tuple(
        NotAnAttack(
            "this case is benign or has no `goal`", where=f"{path}: {case.id}", mend="give the attacker's goal, or put it in a suite"
        )
        for case in suite.cases
        if case.kind != "unsafe" or not case.goal
    )
    if problems:
        raise Problems(f"{path} is refused", problems)
    return suite


def converted(suite: Suite, by: Sequence[Converter]) -> Suite:
    """Return an attack set in which every attack is there in each of the given spellings.

    Args:
        suite: The attack set.
        by: The converters; add ``identity`` to keep the attacks as they are.
    """
    cases = tuple(convert_case(case, converter) for converter in by for case in suite.cases)
    name = suite.name if not by else f"{suite.name}+{'+'.join(converter.name for converter in by)}"
    return msgspec.structs.replace(suite, name=name, cases=cases)
