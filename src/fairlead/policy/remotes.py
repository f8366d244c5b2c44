"""The remote detectors of a policy, beside those of the installation: what its rules can name."""

from collections.abc import Iterator, Mapping

from fairlead.core import FairleadError
from fairlead.core.taxonomy import hazards
from fairlead.detectors import Registry
from fairlead.detectors.remote import KINDS, Point, Remote
from fairlead.policy.errors import PolicyReference
from fairlead.policy.model import DetectorDocument


def remotes_of(documents: Mapping[str, DetectorDocument]) -> tuple[Remote, ...]:
    """Return the remote detectors that a policy declares, in its order."""
    return tuple(_remote(name, document) for name, document in documents.items())


def _remote(name: str, document: DetectorDocument) -> Remote:
    kind = KINDS[document.kind]
    return Remote(
        id=f"{name}@{document.kind}",
        kind=document.kind,
        labels=dict(document.labels or kind.labels),
        model=document.model,
        base_url=(document.base_url or kind.base_url).rstrip("/"),
        key=document.key,
        timeout_ms=document.timeout_ms,
        window=kind.window if document.window is None else document.window,
        download=document.download,
        points=tuple(Point(max_fpr=point.max_fpr, threshold=point.threshold, on=point.on) for point in document.points),
    )


class Known:
    """The detectors that the rules of one policy can name: those of the installation, and those that it declares.

    Args:
        registry: The installation's.
        remotes: The policy's.
    """

    def __init__(self, registry: Registry, remotes: tuple[Remote, ...]) -> None:
        self._registry = registry
        self._remotes = {remote.id: remote for remote in remotes}

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all detectors."""
        return (*self._registry.ids(), *self._remotes)

    def for_hazard(self, hazard: str) -> tuple[str, ...]:
        """Return the ids of the detectors that can find a hazard."""
        local = tuple(detector.id for detector in self._registry.for_hazard(hazard))
        return (*local, *(name for name, remote in self._remotes.items() if hazard in remote.hazards))

    def hazards(self) -> frozenset[str]:
        """Return every hazard that some detector or pattern can find."""
        return self._registry.hazards() | {hazard for remote in self._remotes.values() for hazard in remote.hazards}

    def threshold(self, detector: str, max_fpr: float) -> float:
        """Return the threshold at which a detector promises a false-positive rate.

        Raises:
            NoOperatingPoint: Nobody measured it there.
        """
        remote = self._remotes.get(detector)
        return self._registry.threshold(detector, max_fpr) if remote is None else remote.threshold(max_fpr)


def remote_problems(documents: Mapping[str, DetectorDocument], registry: Registry, where: Mapping[str, str]) -> Iterator[FairleadError]:
    """Yield what is wrong with the remote detectors of a policy.

    Args:
        documents: Those that are valid on their own.
        registry: The installation's detectors, whose names are taken.
        where: File and line of each.
    """
    taken = {name.partition("@")[0] for name in registry.ids()}
    known = hazards()
    for name, document in documents.items():
        if name in taken:
            yield PolicyReference(f"'{name}' is a detector of this installation", where=where[name], mend="give it another name")
        for hazard in document.labels.values():
            if hazard not in known:
                mend = "docs/reference/hazards.md lists the hazards"
                yield PolicyReference(f"there is no hazard '{hazard}'", where=where[name], mend=mend)
