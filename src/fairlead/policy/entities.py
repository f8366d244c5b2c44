"""Entities that a policy brings: compiled, and every one that can't be is named with its line, all at once."""

from collections.abc import Iterator, Sequence

from fairlead.core import FairleadError
from fairlead.detectors import CHECKS, Custom, Pattern, UnsupportedPattern, builtin_patterns, custom_pattern
from fairlead.policy.documents import did_you_mean
from fairlead.policy.errors import PolicyReference, PolicyShape
from fairlead.policy.model import EntityDocument, PolicyDocument
from fairlead.policy.source import Place, Source


def patterns_of_policy(document: PolicyDocument) -> tuple[Pattern, ...]:
    """Return the patterns of a policy's own entities."""
    return tuple(custom_pattern(_custom(entry)) for entry in document.entities)


def entity_problems(source: Source, entries: Sequence[tuple[int, EntityDocument]]) -> Iterator[FairleadError]:
    """Yield what is wrong with the entities of a policy: its name, its check, its pattern.

    Args:
        source: The file.
        entries: Those that are valid in themselves, with their index.
    """
    known = {name for pattern in builtin_patterns() for name in (pattern.name, pattern.group, pattern.hazard)}
    for index, entry in entries:
        place: Place = ("entities", index)
        if entry.name in known:
            where = source.where((*place, "name"))
            yield PolicyShape(f"the entity '{entry.name}' is built in", where=where, mend="give yours a name of its own")
        if entry.checksum and entry.checksum not in CHECKS:
            where = source.where((*place, "checksum"))
            yield PolicyReference(f"there is no check '{entry.checksum}'", where=where, mend=did_you_mean(entry.checksum, CHECKS))
            continue
        try:
            custom_pattern(_custom(entry))
        except UnsupportedPattern as problem:
            where = source.where((*place, "words" if entry.words else "pattern"))
            yield UnsupportedPattern(f"the entity '{entry.name}': {problem.what}", where=where, mend=problem.mend)


def _custom(entry: EntityDocument) -> Custom:
    return Custom(entry.name, entry.hazard, entry.pattern or "", entry.words, entry.checksum, entry.context)
