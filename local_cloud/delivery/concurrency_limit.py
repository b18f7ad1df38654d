"""A limit for synchronous executions that cannot deadlock."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Admits `concurrency` executions at once; the others wait.

    An execution may wait for one that is not admitted yet: a function calls an API, and another
    function serves this API. So if no execution ends for `patience` seconds, the one that waits
    longest is admitted above the limit. This also gives slow functions more concurrency.
    """

    def __init__(self, concurrency: int, patience: float) -> None:
        self._concurrency = concurrency
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._inside = 0
        self._progress = time.monotonic()

    def counts(self) -> tuple[int, int]:
        """Return how many executions wait, and how many run."""
        with self._lock:
            return len(self._waiting), self._inside

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until an execution is admitted; it runs as long as the context lasts."""
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
        """Admit the execution that waits longest; the caller holds the lock."""
        self._waiting.popleft().set()
        self._inside += 1
        self._progress = time.monotonic()
