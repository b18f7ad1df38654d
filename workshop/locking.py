"""A lock between processes that the system frees when its holder ends, however it ends."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusive(path: Path, waiting: str) -> Iterator[int]:
    """Hold the lock of a file; wait for it as long as another process has it.

    Args:
        path: The lock's file; made if need be, and left behind.
        waiting: What to tell a person who has to wait.

    Yields:
        The file's descriptor. A child process that inherits it holds the lock, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        if not _try(handle.fileno()):
            sys.stderr.write(f"{waiting}\n")
            while not _try(handle.fileno()):
                time.sleep(0.2)
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
