"""The files of calibrations: one signed envelope for each head beside the policy, and every one that was ever in force.

``calibrations/injection.json`` beside ``fairlead.yaml`` is in force; ``calibrations/history/`` keeps all by their digest, to be put back.
What is in force is part of the Release: a calibrated head has another id, so the Release has one too.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fairlead.core import FairleadError, InvalidInput, canonical_bytes, decode
from fairlead.detectors import Calibration, CalibrationInvalid
from fairlead.ledger import Envelope, Signer, SigningKeyMissing, load_key, load_trust_root, open_envelope, parse_envelope, seal
from fairlead.releases.errors import CalibrationUnknown

PAYLOAD = "application/vnd.fairlead.calibration+json"
FOLDER = "calibrations"
TRUST_ROOT = "trust.json"
"""File of the configuration folder whose keys are trusted besides the installation's own, where a policy comes from elsewhere."""
_MEND = "run `fairlead calibrate revert`, or restore the file"


def sign_calibration(calibration: Calibration, key: Signer) -> bytes:
    """Return the bytes of a calibration's file."""
    return seal(PAYLOAD, canonical_bytes(calibration), key).encoded()


def read_calibration(data: bytes | str, keys: Mapping[str, bytes], *, where: str) -> Calibration:
    """Return the calibration of a file that a trusted key signed.

    Args:
        data: The file.
        keys: Trusted public keys by their id.
        where: How errors name it.

    Raises:
        CalibrationInvalid: It is damaged, of another kind, or no trusted key signed it.
    """
    try:
        envelope: Envelope = parse_envelope(data.encode() if isinstance(data, str) else data, where=where)
        return decode(open_envelope(envelope, PAYLOAD, keys, where=where), Calibration, where=where)
    except FairleadError as error:
        what = "the calibration is damaged" if isinstance(error, InvalidInput) else f"the calibration can't be trusted: {error.what}"
        raise CalibrationInvalid(what, where=where, mend=_MEND) from error


def trusted_keys(config_dir: Path) -> dict[str, bytes]:
    """Return the public keys whose calibrations are used: the installation's own, and those of ``trust.json`` beside it.

    Args:
        config_dir: Folder of the signing key.

    Raises:
        SigningKeyUnsafe: Others may read the key.
        TrustRootInvalid: ``trust.json`` is none.
    """
    keys: dict[str, bytes] = {}
    with contextlib.suppress(SigningKeyMissing):
        own = load_key(config_dir)
        keys[own.key_id] = own.public
    root = config_dir / TRUST_ROOT
    return {**keys, **load_trust_root(root).public_keys()} if root.exists() else keys


class CalibrationFolder:
    """The calibrations beside a policy.

    Args:
        policy: The policy file.
    """

    def __init__(self, policy: Path) -> None:
        self._folder = policy.with_name(FOLDER)

    def files(self) -> tuple[Path, ...]:
        """Return the files in force, by name."""
        return tuple(sorted(self._folder.glob("*.json")))

    def texts(self) -> dict[str, str]:
        """Return what the files in force hold, by the name of their head.

        Raises:
            CalibrationInvalid: One can't be read.
        """
        return {path.stem: _text(path) for path in self.files()}

    def write(self, texts: Mapping[str, str]) -> None:
        """Put calibrations into a new folder, as they are."""
        for name, text in texts.items():
            _replace(self._folder / f"{name}.json", text.encode())

    def put(self, calibration: Calibration, key: Signer) -> str:
        """Sign a calibration and put it in force.

        Returns:
            Its digest.
        """
        data = sign_calibration(calibration, key)
        _replace(self._kept(calibration.digest), data)
        _replace(self._folder / f"{calibration.name}.json", data)
        return calibration.digest

    def revert(self, name: str, keys: Mapping[str, bytes]) -> str:
        """Put the calibration back in force that was before the one of a head; without one the head is uncalibrated again.

        Args:
            name: Of the head.
            keys: Trusted public keys.

        Returns:
            The digest of what is in force now; empty for the uncalibrated head. A file in force that can't be trusted is taken away.

        Raises:
            CalibrationUnknown: The head has none.
            CalibrationInvalid: The one before is damaged.
        """
        path = self._folder / f"{name}.json"
        if not path.exists():
            raise CalibrationUnknown("the head has no calibration", where=name, mend="see `fairlead calibrate list`")
        try:
            before = read_calibration(_text(path), keys, where=path.name).before
        except CalibrationInvalid:
            before = ""
        if before:
            kept = self._kept(before)
            text = _text(kept)
            if read_calibration(text, keys, where=kept.name).digest != before:
                raise CalibrationInvalid("the calibration before is another one", where=kept.name, mend="restore the file")
            _replace(path, text.encode())
        else:
            path.unlink()
        return before

    def history(self) -> tuple[Path, ...]:
        """Return the files of all calibrations that were ever in force here."""
        return tuple(sorted((self._folder / "history").glob("*.json")))

    def _kept(self, digest: str) -> Path:
        return self._folder / "history" / f"{digest.removeprefix('sha256:')[:16]}.json"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationInvalid("the calibration can't be read", where=path.name, mend=_MEND) from error


def _replace(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).chmod(0o644)
    Path(draft).replace(path)
