"""The start of a function: Python's garbage collector costs it a fifth of its CPU time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector while objects are made that stay as long as the process.

    The import of boto3 and a client are about a hundred thousand objects. The collector would look
    through them again and again, and find nothing. Later collections leave them out, too.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
