"""The one tree of errors.

::

    FairleadError              what is wrong, where, how to mend it; a stable code with a page in the docs
    ├── UsageError             the caller asked for something that can't be done (exit code 2)
    ├── InvalidInput           a file or message is not what it must be (exit code 2)
    ├── NotFound               the thing named does not exist (exit code 2)
    ├── Refused                the caller is not allowed to do it (exit code 3)
    ├── Unavailable            a part that is needed does not answer (exit code 12)
    └── IntegrityError         a record is not what was signed or counted (exit code 20)

A room adds its own leaves in its ``errors.py``; it never raises a bare ``Exception``.
Messages never hold prompts, outputs, keys or personal data.
"""

from typing import ClassVar

DOCS = "https://fairlead.readthedocs.io/reference/errors/"


class FairleadError(Exception):
    """Base of every error that Fairlead raises on purpose.

    Args:
        what: What is wrong, one sentence, without content of any Interaction.
        where: The place: ``file:line``, a JSON pointer, a URL path, or an id.
        mend: What the reader can do about it.
    """

    code: ClassVar[str] = "error"
    """Stable identifier; the docs have one page for each."""
    exit_code: ClassVar[int] = 1
    """What the CLI exits with when this error ends a command."""

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.mend})" if self.mend else head

    def as_json(self) -> dict[str, str]:
        """Return the one JSON shape of an error: code, what, where, mend, docs."""
        return {"code": self.code, "what": self.what, "where": self.where, "mend": self.mend, "docs": f"{DOCS}{self.code}/"}


class UsageError(FairleadError):
    """The caller asked for something that can't be done."""

    code = "usage"
    exit_code = 2


class InvalidInput(FairleadError):
    """A file or message is not what it must be."""

    code = "invalid-input"
    exit_code = 2


class NotFound(FairleadError):
    """The thing named does not exist."""

    code = "not-found"
    exit_code = 2


class Refused(FairleadError):
    """The caller is known and may not do this."""

    code = "refused"
    exit_code = 3


class Unavailable(FairleadError):
    """A part that is needed does not answer."""

    code = "unavailable"
    exit_code = 12


class IntegrityError(FairleadError):
    """A record is not what was signed or counted."""

    code = "integrity"
    exit_code = 20


class Problems(InvalidInput):
    """Several findings about one file, raised together so that all are mended in one go."""

    code = "problems"

    def __init__(self, what: str, problems: "tuple[FairleadError, ...]") -> None:
        super().__init__(what, mend=f"{len(problems)} problem(s), listed below")
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {problem}" for problem in self.problems)])
