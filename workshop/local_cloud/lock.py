"""A lock between processes, on a file. The system releases it when its holder dies."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_POLL = 0.05


class LockHeldError(Exception):
    """Another process holds the lock and did not let go in time."""


class FileLock:
    """Held as long as the context lasts.

    Args:
        path: the file; it is made, and left behind.
        timeout: how long to wait for another holder, in seconds.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._file = -1

    def __enter__(self) -> Self:
        """Wait for the lock.

        Raises:
            LockHeldError: it is still held by another process after the timeout.
        """
        deadline = time.monotonic() + self._timeout
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        while not _try_lock(self._file):
            if time.monotonic() > deadline:
                os.close(self._file)
                raise LockHeldError(self._path)
            time.sleep(_POLL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go."""
        os.close(self._file)


def _try_lock(file: int) -> bool:
    """Lock an open file; False when someone else has."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
