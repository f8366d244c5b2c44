"""The files that make a Release: the policy, and beside it overlays, Cedar, pins and calibrations."""

import os
import tempfile
from pathlib import Path

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode, digest_bytes
from fairlead.detectors import Calibration, CalibrationInvalid, Registry
from fairlead.ledger import Signer
from fairlead.policy import PINS_FILE, Release, compile_release, load_policy
from fairlead.releases import CalibrationFolder, read_calibration, sign_calibration, trusted_keys


class PolicyTexts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the files that make a Release hold."""

    policy: str
    cedar: str = ""
    calibrations: dict[str, str] = {}
    """Signed calibration of each head that has one."""
    pins: str = ""
    overlays: dict[str, str] = {}
    """Text of each overlay, by the name of its file."""


OVERLAYS = "overlays"
"""Folder of overlays beside the policy."""


class PolicyFiles(msgspec.Struct, frozen=True):
    """The files that make a Release."""

    policy: Path
    config_dir: Path
    """Folder of the keys whose calibrations are trusted."""

    @property
    def cedar(self) -> Path:
        """Return the optional Cedar file beside the policy."""
        return self.policy.with_name("tools.cedar")

    @property
    def pins(self) -> Path:
        """Return the optional file of pinned tool definitions beside the policy."""
        return self.policy.with_name(PINS_FILE)

    @property
    def calibrations(self) -> CalibrationFolder:
        """Return the optional folder of calibrations beside the policy."""
        return CalibrationFolder(self.policy)

    @property
    def overlays(self) -> tuple[Path, ...]:
        """Return the overlays beside the policy."""
        return tuple(sorted(self.policy.with_name(OVERLAYS).glob("*.yaml")))

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what changes when a file does."""
        stamps = []
        for path in (self.policy, self.cedar, self.pins, *self.overlays, *self.calibrations.files()):
            try:
                status = path.stat()
            except OSError:
                stamps.append((0, 0))
            else:
                stamps.append((status.st_mtime_ns, status.st_size))
        return tuple(stamps)

    def copy_to(self, policy: Path) -> None:
        """Keep a copy of the files, the policy under this name.

        Raises:
            InvalidInput: A file can't be read.
        """
        copy = PolicyFiles(policy, self.config_dir)
        policy.parent.mkdir(parents=True, exist_ok=True)
        copy.calibrations.write(self.calibrations.texts())
        for path in self.overlays:
            kept = policy.with_name(OVERLAYS)
            kept.mkdir(exist_ok=True)
            (kept / path.name).write_text(read_policy_text(path), encoding="utf-8")
        for path, to in ((self.cedar, copy.cedar), (self.pins, copy.pins)):
            if path.exists():
                to.write_text(read_policy_text(path), encoding="utf-8")
        policy.write_text(read_policy_text(self.policy), encoding="utf-8")

    def replace(self, text: str) -> None:
        """Replace the policy at once, durably: a reader sees the old one or the new one.

        Raises:
            OSError: It can't be written.
        """
        descriptor, name = tempfile.mkstemp(dir=self.policy.parent, prefix=f".{self.policy.name}.")
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(self.policy.stat().st_mode & 0o777)
        draft.replace(self.policy)

    def read(self) -> PolicyTexts:
        """Read the files.

        Raises:
            InvalidInput: A file is missing, or no UTF-8 text.
        """
        cedar, pins = (read_policy_text(path) if path.exists() else "" for path in (self.cedar, self.pins))
        overlays = {path.name: read_policy_text(path) for path in self.overlays}
        policy = read_policy_text(self.policy)
        return PolicyTexts(policy=policy, cedar=cedar, calibrations=self.calibrations.texts(), pins=pins, overlays=overlays)

    def compile(self, registry: Registry, texts: PolicyTexts | None = None) -> Release:
        """Compile the files, or what they held when they were read.

        Raises:
            InvalidInput: A file is missing, not UTF-8, or invalid; all problems at once. A calibration is damaged or not to be trusted.
        """
        used = texts or self.read()
        calibrated = self._calibrated(registry, used)
        policy = load_policy(str(self.policy), used.policy, calibrated)
        overlays = {f"{OVERLAYS}/{name}": text for name, text in used.overlays.items()}
        return compile_release(policy, calibrated, cedar=used.cedar, pins=used.pins, overlays=overlays)

    def compile_with(self, calibration: Calibration, key: Signer) -> Release:
        """Compile the files as they would be with one more calibration, which is not written.

        Raises:
            InvalidInput: With it a rule could not keep to its false-positive rate, for example.
        """
        texts = self.read()
        signed = {**texts.calibrations, calibration.name: sign_calibration(calibration, key).decode()}
        return self.compile(Registry.load(), msgspec.structs.replace(texts, calibrations=signed))

    def _calibrated(self, registry: Registry, texts: PolicyTexts) -> Registry:
        if not texts.calibrations:
            return registry
        keys = trusted_keys(self.config_dir)
        found = [read_calibration(text, keys, where=f"{name}.json") for name, text in sorted(texts.calibrations.items())]
        for name, calibration in zip(sorted(texts.calibrations), found, strict=True):
            if calibration.name != name:
                what = f"the file holds a calibration of {calibration.name}"
                raise CalibrationInvalid(what, where=f"{name}.json", mend=f"call it {calibration.name}.json")
        return registry.calibrated(found)


class LastGood:
    """The policy that was served last, kept so that a worker which is started again while the file is bad serves on (law 7).

    Args:
        folder: Where it is kept, ``<data>/policies``; one file for each policy file.
        files: The files that it was.
    """

    def __init__(self, folder: Path, files: PolicyFiles) -> None:
        self._path = folder / f"{digest_bytes(str(files.policy).encode()).removeprefix('sha256:')[:16]}.json"

    def keep(self, texts: PolicyTexts) -> None:
        """Keep what is served now. Failing to is no reason not to serve: what was kept before stays."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(descriptor, "wb") as draft:
                draft.write(canonical_bytes(texts))
            Path(name).replace(self._path)
        except OSError:
            return

    def texts(self) -> PolicyTexts | None:
        """Return what was served last; None when nothing is known of it."""
        try:
            return decode(self._path.read_bytes(), PolicyTexts, where=self._path.name)
        except (OSError, InvalidInput):
            return None


def read_policy_text(path: Path) -> str:
    """Read a policy file.

    Raises:
        InvalidInput: It is missing, or no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput("there is no such file", where=path.name, mend="name the policy file, usually fairlead.yaml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("the file can't be read as UTF-8 text", where=path.name, mend="check its permissions and encoding") from error
