"""A bound on synchronous executions that cannot deadlock."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets `concurrency` in at once; the others wait their turn.

    Those inside may be waiting, over some path nobody can see, for one outside: a function that
    calls an API that is served by a function. So when for `patience` seconds nobody came out,
    the longest waiting one goes in over the bound. Slow functions get more room in the same way.
    """

    def __init__(self, concurrency: int, patience: float) -> None:
        self._concurrency = concurrency
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._inside = 0
        self._progress = time.monotonic()

    def counts(self) -> tuple[int, int]:
        """How many wait, and how many are inside."""
        with self._lock:
            return len(self._waiting), self._inside

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn; it lasts as long as the context."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._waiting and self._inside < self._concurrency:
                self._inside += 1
                return
            ticket = threading.Event()
            self._waiting.append(ticket)
        while not ticket.wait(self._patience):
            with self._lock:
                stalled = time.monotonic() - self._progress >= self._patience
                if stalled and self._waiting and self._waiting[0] is ticket:
                    self._admit_first()

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            self._progress = time.monotonic()
            if self._waiting and self._inside < self._concurrency:
                self._admit_first()

    def _admit_first(self) -> None:
        """Let the longest waiting one in; the lock is held."""
        self._waiting.popleft().set()
        self._inside += 1
        self._progress = time.monotonic()
