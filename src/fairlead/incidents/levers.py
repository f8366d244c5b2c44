"""The lever file as a store: one process changes it at a time, every gateway worker reads it."""

import fcntl
from collections.abc import Callable
from pathlib import Path

from fairlead.guard import Lever, begin_levers, read_levers, write_levers
from fairlead.journal import journals


class LeverFile:
    """Levers in ``levers.json``, changed under a lock.

    Args:
        path: The lever file that the gateway workers read.
        journals: The folder of the workers' journals; while it holds any, the lever file must be there.
    """

    def __init__(self, path: Path, journals: Path) -> None:
        self._path = path
        self._journals = journals

    def read(self) -> tuple[Lever, ...]:
        """Return the levers that are pulled now.

        Raises:
            InvalidInput: The file is damaged.
        """
        return read_levers(self._path)

    def write(self, change: Callable[[tuple[Lever, ...]], tuple[Lever, ...]]) -> tuple[Lever, ...]:
        """Change the levers, durably and alone, and return what is pulled now.

        Raises:
            InvalidInput: The file is damaged; nothing is changed.
            LeversGone: It is gone, so a change would forget what else was pulled.
        """
        begin_levers(self._path, served=bool(journals(self._journals)))
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            levers = change(read_levers(self._path))
            write_levers(self._path, levers)
        return levers
