"""Reading cases: every line that is no case is named, all of them at once."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from fairlead.core import FairleadError, InvalidInput, NotFound, Problems, decode, digest
from fairlead.evals.errors import CaseInvalid
from fairlead.evals.model import Case

MAX_FILE_BYTES = 32 << 20


def parse_cases(text: str, where: str) -> tuple[Case, ...]:
    """Decode cases, one JSON object a line; empty lines are skipped.

    Args:
        text: The file's content.
        where: How errors name the file.

    Raises:
        Problems: Some lines are no cases; lists each with its line, without its content.
    """
    cases: list[Case] = []
    problems: list[FairleadError] = []
    first_line: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{where}:{number}"
        try:
            case = decode(line, Case, where=place)
        except InvalidInput as error:
            problems.append(CaseInvalid(error.what, where=place, mend="docs/reference/suites.md lists the fields of a case"))
            continue
        if case.id in first_line:
            problem = CaseInvalid(
                f"the id '{case.id}' is here twice (first on line {first_line[case.id]})",
                where=place,
                mend="give each case an id of its own",
            )
            problems.append(problem)
        first_line.setdefault(case.id, number)
        cases.append(case)
    if problems:
        raise Problems(f"{where} is refused", tuple(problems))
    return tuple(cases)


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases.

    Raises:
        NotFound: There is no such file.
        Problems: Some lines are no cases.
    """
    return parse_cases(read_text(path), str(path))


def read_case_folder(folder: Path) -> tuple[Case, ...]:
    """Read all ``*.jsonl`` and ``*.json`` files of a folder, such as the regression cases made from incidents.

    Args:
        folder: Files are read in the order of their names; a folder that holds none gives no cases.

    Raises:
        NotFound: There is no such folder.
        Problems: Some lines are no cases, or two files hold a case of the same id.
    """
    if not folder.is_dir():
        raise NotFound("there is no such folder of cases", where=str(folder), mend="give the folder that holds the *.jsonl files")
    cases: dict[str, Case] = {}
    problems: list[FairleadError] = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".jsonl", ".json") or not path.is_file():
            continue
        try:
            found = read_cases(path)
        except Problems as error:
            problems.extend(error.problems)
            continue
        for case in found:
            if case.id in cases:
                problems.append(CaseInvalid(f"the id '{case.id}' is in another file too", where=str(path), mend="keep one of them"))
            cases[case.id] = case
    if problems:
        raise Problems(f"{folder} is refused", tuple(problems))
    return tuple(cases.values())


def write_case(case: Case) -> bytes:
    """Return the line of one case, as :func:`parse_cases` reads it."""
    return msgspec.json.encode(case) + b"\n"


def cases_digest(cases: Sequence[Case]) -> str:
    """Return the digest of a set of cases; their order doesn't matter."""
    return digest(sorted((case.id, digest(case)) for case in cases))


def duplicate_ids(*groups: Iterable[Case]) -> tuple[str, ...]:
    """Return the ids that more than one case of the groups has."""
    seen: set[str] = set()
    twice = [case.id for group in groups for case in group if case.id in seen or seen.add(case.id)]  # type: ignore[func-returns-value] # set.add as a side effect
    return tuple(dict.fromkeys(twice))


def read_text(path: Path) -> str:
    """Read a text file that a person named.

    Raises:
        NotFound: There is no such file.
        CaseInvalid: It is too large, or not UTF-8.
    """
    if not path.is_file():
        raise NotFound("there is no such file", where=str(path), mend="check the path")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise CaseInvalid(f"the file is larger than {MAX_FILE_BYTES} bytes", where=str(path), mend="split it")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CaseInvalid("the file is not UTF-8 text", where=str(path), mend="save it as UTF-8") from error
