"""What a mutant is."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One break of the source, and the tests that must go red."""

    law: int
    """The law that it breaks; 0 for a guarantee that no law names."""
    file: str
    """Below ``src/fairlead``."""
    old: str
    """Exact text; it must stand there exactly once."""
    new: str
    """What stands there instead."""
    red: tuple[str, ...]
    """Node ids that must fail. The narrowest that should see it: that keeps the run short."""
    slow: bool = False
    """True for one whose tests take long, such as until a deadline, to see it: it runs in ``make test-all`` only."""
