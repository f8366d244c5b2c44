"""Which detectors there are. Built-in ones register through the same door as plug-ins: the entry point group ``fairlead.detectors``."""

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Self

from fairlead.core import FairleadError
from fairlead.detectors.calibrated import CalibratedHead
from fairlead.detectors.calibration import Calibration
from fairlead.detectors.card import Card
from fairlead.detectors.errors import CalibrationInvalid, NoOperatingPoint, PluginFailed, UnknownEntity
from fairlead.detectors.families import contact, money, nations, papers, places, secrets
from fairlead.detectors.families.heads import HeadDetector
from fairlead.detectors.model import Detector, Pattern
from fairlead.detectors.remote.deep import Deep, read_deep

GROUP = "fairlead.detectors"


def builtin_patterns() -> tuple[Pattern, ...]:
    """Return the built-in pattern entities."""
    return (*contact.PATTERNS, *money.PATTERNS, *papers.PATTERNS, *nations.PATTERNS, *places.PATTERNS, *secrets.patterns())


def entity_names(patterns: Iterable[Pattern]) -> frozenset[str]:
    """Return every name that a policy may use: of each pattern its own, that of its group, and that of its hazard."""
    return frozenset(name for pattern in patterns for name in (pattern.name, pattern.group, pattern.hazard) if name)


def patterns_of(names: Iterable[str], custom: Iterable[Pattern] = ()) -> tuple[Pattern, ...]:
    """Return the patterns that names of entities or of groups (``pii``, ``secret``, ``national_id``) select, in the order of the catalogue.

    Args:
        names: What a policy says.
        custom: Patterns of the policy's own; they come first.

    Raises:
        UnknownEntity: A name selects none.
    """
    wanted = set(names)
    known = (*custom, *builtin_patterns())
    missing = wanted - entity_names(known)
    if missing:
        listed = ", ".join(sorted({pattern.group or pattern.name for pattern in known if pattern.hazard == "pii"}))
        raise UnknownEntity(
            "no pattern has this name", where=min(missing), mend=f"use pii, secret, payment_card, email or one of: {listed}"
        )
    return tuple(pattern for pattern in known if not wanted.isdisjoint((pattern.name, pattern.group, pattern.hazard)))


class Registry:
    """The detectors of this installation.

    Args:
        detectors: Each with an id of its own.

    Raises:
        PluginFailed: Two have the same id.
    """

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._detectors: dict[str, Detector] = {}
        for detector in detectors:
            if detector.id in self._detectors:
                raise PluginFailed("two detectors have the same id", where=detector.id, mend="uninstall one of the plug-ins")
            self._detectors[detector.id] = detector

    @classmethod
    def load(cls) -> Self:
        """Load every detector that is installed.

        Raises:
            PluginFailed: One does not load; a guard without it would not do what its policy says.
            ModelDamaged: The files of a built-in one are not what was shipped.
        """
        found: list[Detector] = []
        for point in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            try:
                found.append(point.load()())
            except FairleadError:
                raise
            except Exception as error:
                raise PluginFailed(
                    f"it failed with {type(error).__name__}", where=point.value, mend="mend or uninstall the plug-in"
                ) from error
        return cls(found)

    def head(self, name: str) -> HeadDetector:
        """Return a trained head, as it was shipped.

        Args:
            name: Its name, without the version.

        Raises:
            CalibrationInvalid: No head of that name is switched on.
        """
        heads = {detector.id.partition("@")[0]: detector for detector in self._detectors.values() if isinstance(detector, HeadDetector)}
        if name not in heads:
            mend = f"calibrate one of: {', '.join(sorted(heads))}"
            raise CalibrationInvalid("there is no head of this name that can be calibrated", where=name, mend=mend)
        return heads[name]

    def calibrated(self, calibrations: Iterable[Calibration]) -> Self:
        """Return a registry in which heads that have a calibration are calibrated.

        Args:
            calibrations: At most one for each head.

        Raises:
            CalibrationInvalid: A calibration is for a detector that is not here, is no head, or is of another version.
        """
        chosen = {entry.name: entry for entry in calibrations}
        out: list[Detector] = []
        for detector in self._detectors.values():
            found = chosen.pop(detector.id.partition("@")[0], None)
            if found is None:
                out.append(detector)
            elif isinstance(detector, HeadDetector):
                out.append(CalibratedHead(detector, found))
            else:
                raise CalibrationInvalid("only a trained head can be calibrated", where=detector.id, mend="take its file away")
        for name in chosen:
            raise CalibrationInvalid("there is no such head", where=name, mend="install what provides it, or take its file away")
        return type(self)(out)

    def all(self) -> tuple[Detector, ...]:
        """Return all detectors."""
        return tuple(self._detectors.values())

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all detectors."""
        return tuple(self._detectors)

    def for_hazard(self, hazard: str) -> tuple[Detector, ...]:
        """Return the detectors that can find a hazard; none if there is none."""
        return tuple(detector for detector in self._detectors.values() if hazard in detector.hazards)

    def hazards(self) -> frozenset[str]:
        """Return every hazard that some detector or pattern can find."""
        found = {hazard for detector in self._detectors.values() for hazard in detector.hazards}
        return frozenset(found | {pattern.hazard for pattern in builtin_patterns()})

    def card(self, detector: str) -> Card | None:
        """Return the card of a detector; None if it has none.

        Args:
            detector: Its id.
        """
        found = getattr(self._detectors.get(detector), "card", None)
        return found if isinstance(found, Card) else None

    def deep(self) -> Deep | None:
        """Return the deep model that is installed beside Fairlead; None when there is none.

        Raises:
            ModelDamaged: Its card can't be read, or is of another format. Only a policy that names the model minds.
        """
        return read_deep()

    def threshold(self, detector: str, max_fpr: float) -> float:
        """Return the threshold at which a detector's card promises a false-positive rate.

        Args:
            detector: Its id.
            max_fpr: Rate, 0 to 1.

        Raises:
            NoOperatingPoint: It has no card, or its card has no such point: it was never measured there.
        """
        found = self.card(detector)
        if found is None:
            raise NoOperatingPoint(f"{detector} has no card", where=detector, mend="state a threshold, or use a detector with a card")
        return found.threshold(max_fpr)
