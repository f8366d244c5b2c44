"""An overlay, read: what it sets, each with its line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fairlead.core import FairleadError, Problems
from fairlead.policy.documents import validate
from fairlead.policy.errors import PolicyShape
from fairlead.policy.overlays.documents import ForDocument, OverlayDocument, PatchDocument
from fairlead.policy.overlays.scales import Key
from fairlead.policy.source import Place, Plain, Source, read_source

_PLAIN = ("mode", "capture", "capture_share", "unknown", "hold_cap", "on_error", "upstreams", "store", "retention_days")


class Where(NamedTuple):
    """What is known of a request when its policy is chosen."""

    tenant: str = ""
    api: str = ""
    model: str = ""
    region: str = ""


class Setting(NamedTuple):
    """One thing that an overlay sets."""

    key: Key
    """Where in the policy: such as ``("unknown",)``, ``("rules", id, "do")``, or ``("rules", id)`` for a rule that is added."""
    value: object
    """As the documents read it."""
    raw: Plain
    """As it stands in the file."""
    where: str
    """``file:line``."""
    overlay: str
    reason: str = ""
    """Why it may be milder than the base; empty for what only tightens."""


class Overlay(NamedTuple):
    """One file of the folder ``overlays``."""

    document: OverlayDocument
    source: Source

    @property
    def name(self) -> str:
        """Return its name."""
        return self.document.overlay

    def applies(self, where: Where) -> bool:
        """Tell whether it is for such a request."""
        wanted: ForDocument = self.document.applies
        return all(
            not named or value in named
            for named, value in (
                (wanted.tenant, where.tenant),
                (wanted.api, where.api),
                (wanted.model, where.model),
                (wanted.region, where.region),
            )
        )

    def settings(self, rules: Sequence[str]) -> Iterator[Setting]:
        """Yield what it sets.

        Args:
            rules: Ids of the base's rules; a rule with another id is added as a whole.
        """
        yield from self._of(self.document, (), rules, "")
        for index, entry in enumerate(self.document.loosen):
            yield from self._of(entry, ("loosen", index), rules, entry.reason)

    def _of(self, patch: PatchDocument, place: Place, rules: Sequence[str], reason: str) -> Iterator[Setting]:
        for name in _PLAIN:
            if getattr(patch, name) is not None:
                yield self._setting((name,), getattr(patch, name), (*place, name), reason)
        for key, text in patch.messages.items():
            yield self._setting(("messages", key), text, (*place, "messages", key), reason)
        for tool in patch.deny:
            yield self._setting(("deny", tool), 1, (*place, "deny"), reason)
        if patch.limits is not None:
            dumped = patch.limits.model_dump(mode="json", by_alias=True, exclude_unset=True)
            yield from self._limits(dumped, ("limits",), (*place, "limits"), reason)
        for index, rule in enumerate(patch.rules):
            spot: Place = (*place, "rules", index)
            if rule.id not in rules:
                yield self._setting(("rules", rule.id), None, spot, reason)
                continue
            for name in rule.model_fields_set - {"id"}:
                alias = type(rule).model_fields[name].alias or name
                yield self._setting(("rules", rule.id, alias), getattr(rule, name), (*spot, alias), reason)

    def _limits(self, found: Mapping[str, object], key: Key, place: Place, reason: str) -> Iterator[Setting]:
        for name, value in found.items():
            if isinstance(value, dict):
                yield from self._limits(value, (*key, name), (*place, name), reason)
            else:
                yield self._setting((*key, name), value, (*place, name), reason)

    def _setting(self, key: Key, value: object, place: Place, reason: str) -> Setting:
        return Setting(key, value, at(self.source.value, place), self.source.where(place), self.name, reason)


def at(value: Plain, place: Place) -> Plain:
    """Return what stands at a place of a parsed file; None where there is nothing."""
    for part in place:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def read_overlays(texts: Mapping[str, str]) -> tuple[tuple[Overlay, ...], list[FairleadError]]:
    """Read the overlays of a policy, and return them with everything that is wrong with their files.

    Args:
        texts: File as errors name it, to its text.
    """
    found: dict[str, Overlay] = {}
    problems: list[FairleadError] = []
    for path, text in sorted(texts.items()):
        try:
            source = read_source(path, text)
        except Problems as refused:
            problems += refused.problems
            continue
        document, wrong = validate(source, OverlayDocument)
        problems += wrong
        if document is None:
            continue
        if document.overlay in found:
            what = f"there are two overlays '{document.overlay}' (the other: {found[document.overlay].source.path})"
            problems.append(PolicyShape(what, where=source.where(("overlay",)), mend="give one another name"))
            continue
        found[document.overlay] = Overlay(document, source)
    return tuple(found[name] for name in sorted(found)), problems
