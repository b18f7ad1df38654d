"""Whole garbage collections only while the server has nothing to do.

A collection of all its objects stops all of its threads for 80 to 470 ms (measured with the stack
of stage 6 on a busy machine), and with them the orders under way. They were the slowest one
percent. Collections in between leave out the objects that the last whole one kept, so they are
short.
"""

import gc
import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 1.0

IDLE_CPU_SECONDS = 0.05
"""The most CPU time between two looks of a server that has nothing to do."""

WORTH_CPU_SECONDS = 0.5
"""The CPU time after which there is enough to collect."""


def start() -> None:
    """Collect while nothing is to do, from now until the process ends."""
    threading.Thread(target=_run, name="garbage-collection", daemon=True).start()


def collect() -> None:
    """Collect all garbage; Python's own collections leave out the objects that are left."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class IdleTime:
    """Finds the moments for a collection by the CPU time that the process uses.

    Args:
        cpu_seconds: Returns the process's CPU time.
    """

    def __init__(self, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self._cpu_seconds = cpu_seconds
        self._looked = self._collected = cpu_seconds()

    def is_right(self) -> bool:
        """Return whether the process has worked since the last collection, and now rests."""
        now = self._cpu_seconds()
        used, self._looked = now - self._looked, now
        return used < IDLE_CPU_SECONDS and now - self._collected > WORTH_CPU_SECONDS

    def collected(self) -> None:
        """Note that everything is collected."""
        self._looked = self._collected = self._cpu_seconds()


def _run() -> None:
    idle = IdleTime()
    while True:
        time.sleep(LOOK_SECONDS)
        if idle.is_right():
            collect()
            idle.collected()
