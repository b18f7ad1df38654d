"""A lock between processes. The system releases it when its holder ends, also after a crash."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL_SECONDS = 0.05


class LockHeldError(Exception):
    """Another process still holds the lock after the timeout."""


@contextlib.contextmanager
def exclusive(
    path: Path,
    waiting: str | None = None,
    *,
    timeout: float = float("inf"),
    while_waiting: Callable[[], object] = lambda: None,
) -> Iterator[int]:
    """Hold the lock of a file; wait while another process has it.

    Args:
        path: The lock's file; it is created if it is missing, and stays.
        waiting: A message for a person who has to wait.
        timeout: Seconds to wait.
        while_waiting: Called repeatedly; it may end a holder that is not needed any more.

    Yields:
        The file's descriptor. A child process that inherits it holds the lock, too.

    Raises:
        LockHeldError: Another process still holds it after the timeout.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with path.open("a") as handle:
        locked = _try(handle.fileno())
        if not locked and waiting:
            sys.stderr.write(f"{waiting}\n")
        while not locked:
            if time.monotonic() > deadline:
                raise LockHeldError(path)
            while_waiting()
            time.sleep(_POLL_SECONDS)
            locked = _try(handle.fileno())
        yield handle.fileno()


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of a file."""
    try:
        with path.open("rb") as handle:
            return not _try(handle.fileno())
    except FileNotFoundError:
        return False


def _try(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - one system's own

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - all the others'

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
