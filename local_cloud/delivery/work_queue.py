"""A queue of tasks that are due now or later, for a bounded number of threads."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_log = logging.getLogger(__name__)

Work = Callable[[], None]


@dataclass(frozen=True)
class Counts:
    """The tasks of a queue: due but waiting for a thread, due later, and running."""

    queued: int
    later: int
    running: int

    @property
    def idle(self) -> bool:
        """Return whether there is no task."""
        return not (self.queued or self.later or self.running)


class WorkQueue:
    """Runs tasks in the order in which they are due, `concurrency` at once.

    The queue has no limit, as Lambda's has none that a workshop would reach. A burst waits here
    instead of starting an interpreter per event.
    """

    def __init__(self, concurrency: int, name: str = "work") -> None:
        self._concurrency = concurrency
        self._name = name
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Work]] = []
        self._order = itertools.count()
        self._running = 0
        self._threads = 0
        self._closed = False
        self.discarded = 0
        """The number of tasks that do not run, because the queue was closed first."""

    @property
    def closed(self) -> bool:
        """Return whether it discards new tasks."""
        return self._closed

    def put(self, work: Work, wait: float = 0.0) -> None:
        """Run a task as soon as a thread is free, but not before `wait` seconds have passed.

        After `close` it is discarded.
        """
        with self._changed:
            if self._closed:
                self.discarded += 1
                return
            heapq.heappush(self._heap, (time.monotonic() + wait, next(self._order), work))
            if self._threads < self._concurrency:
                self._threads += 1
                threading.Thread(
                    target=self._run, name=f"{self._name}-{self._threads}", daemon=True
                ).start()
            self._changed.notify()

    def counts(self) -> Counts:
        """Return the current numbers of tasks."""
        now = time.monotonic()
        with self._changed:
            queued = sum(1 for due, _, _ in self._heap if due <= now)
            return Counts(queued, len(self._heap) - queued, self._running)

    def close(self, grace: float) -> None:
        """Accept no more tasks, and wait up to `grace` seconds for those that run."""
        deadline = time.monotonic() + grace
        with self._changed:
            self._closed = True
            self.discarded += len(self._heap)
            self._heap.clear()
            self._changed.notify_all()
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001 - the thread has more to do
                _log.exception("%s: a task failed", self._name)
            finally:
                with self._changed:
                    self._running -= 1
                    if self._closed:  # otherwise it would wake threads that find nothing to do
                        self._changed.notify_all()

    def _next(self) -> Work | None:
        """Wait for the next task and return it; None if the queue is closed."""
        with self._changed:
            while not self._closed:
                if not self._heap:
                    self._changed.wait()
                elif (wait := self._heap[0][0] - time.monotonic()) > 0:
                    self._changed.wait(wait)
                else:
                    self._running += 1
                    return heapq.heappop(self._heap)[2]
            return None
