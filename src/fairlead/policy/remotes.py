"""The remote detectors of a policy, beside those of the installation: what its rules can name."""

from collections.abc import Iterator, Mapping

import msgspec

from fairlead.core import FairleadError
from fairlead.core.taxonomy import hazards
from fairlead.detectors import ModelDamaged, Registry
from fairlead.detectors.remote import DEEP, INSTALL, KINDS, PACKAGE, Deep, Point, Remote
from fairlead.policy.errors import PolicyReference
from fairlead.policy.model import DetectorDocument


def remotes_of(documents: Mapping[str, DetectorDocument], registry: Registry) -> tuple[Remote, ...]:
    """Return the remote detectors that a policy declares, in its order; without those that :func:`remote_problems` tells about.

    Args:
        documents: What the policy says of each.
        registry: What is installed here.
    """
    out = []
    for name, document in documents.items():
        remote = _remote(name, document)
        if document.kind != DEEP:
            out.append(remote)
        elif (deep := _installed(registry)) is not None:
            out.append(msgspec.structs.replace(remote, id=deep.id_of(name), model=PACKAGE, points=deep.card.points(), card=deep.digest))
    return tuple(out)


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


def _installed(registry: Registry) -> Deep | None:
    try:
        return registry.deep()
    except ModelDamaged:
        return None


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
        if document.kind == DEEP:
            yield from _not_here(registry, where[name])


def _not_here(registry: Registry, where: str) -> Iterator[FairleadError]:
    try:
        if registry.deep() is None:
            yield PolicyReference("fairlead-models is not installed", where=where, mend=INSTALL)
    except ModelDamaged as error:
        yield ModelDamaged(error.what, where=where, mend=error.mend)
