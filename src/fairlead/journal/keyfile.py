"""Installation keys: 32 random bytes in a file that only its owner can read, made when first needed."""

import os
import stat
import tempfile
from pathlib import Path

from fairlead.core import Unavailable
from fairlead.journal.errors import KeyFileUnsafe

KEY_BYTES = 32


def installation_key(path: Path) -> bytes:
    """Return the key of a file, making it when there is none; several processes may do so at once.

    Args:
        path: The file; its folder must be the user's own, outside every repository.

    Raises:
        KeyFileUnsafe: The file is readable by others, or does not hold a key.
        Unavailable: The file can't be read or made.
    """
    try:
        if not path.exists():
            _make(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes()
    except OSError as error:
        raise Unavailable(
            f"the key file can't be read or made ({type(error).__name__})", where=str(path), mend="see its permissions"
        ) from error
    if mode & 0o077:
        raise KeyFileUnsafe("others can read the key file", where=str(path), mend=f"chmod 600 {path}; if others have read it, replace it")
    if len(key) != KEY_BYTES:
        raise KeyFileUnsafe(f"the key file must hold {KEY_BYTES} bytes", where=str(path), mend="restore it from your backup of keys")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)  # complete or not at all, and never over a key that another process has made meanwhile
        except FileExistsError:
            return
    finally:
        os.unlink(name)  # noqa: PTH108 - mkstemp gives a name
