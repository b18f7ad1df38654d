"""A lock between processes that the system frees when its holder ends, however it ends."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL_SECONDS = 0.05


class LockHeldError(Exception):
    """Another process holds the lock and did not let go in time."""


@contextlib.contextmanager
def exclusive(
    path: Path,
    waiting: str | None = None,
    *,
    timeout: float = float("inf"),
    while_waiting: Callable[[], object] = lambda: None,
) -> Iterator[int]:
    """Hold the lock of a file; wait for it as long as another process has it.

    Args:
        path: The lock's file; made if need be, and left behind.
        waiting: What to tell a person who has to wait.
        timeout: How long to wait, in seconds.
        while_waiting: Called again and again: may end a holder that has lost its purpose.

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
