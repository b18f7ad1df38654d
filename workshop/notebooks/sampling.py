"""Read a value repeatedly while other code runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

EVERY_SECONDS = 0.03


@dataclass
class Samples:
    """The values that were read, in the order of time.

    Attributes:
        readings: (seconds since the start, value).
    """

    readings: list[tuple[float, int]] = field(default_factory=list)
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock: float = field(default_factory=time.monotonic)

    @property
    def lowest(self) -> int:
        """The lowest value."""
        return min(value for _, value in self.readings)

    def seconds_at(self, moment: str) -> float:
        """Return the seconds between the start and an event's timestamp."""
        return (datetime.fromisoformat(moment) - self._started).total_seconds()

    def take(self, read: Callable[[], int]) -> None:
        """Read the value once, and record when it was returned."""
        value = read()
        self.readings.append((time.monotonic() - self._clock, value))


@contextmanager
def sampled(read: Callable[[], int], *, every: float = EVERY_SECONDS) -> Iterator[Samples]:
    """Call `read` repeatedly in a thread while a `with` block runs.

    The first value is read before the block begins, the last one after it has ended.

    Args:
        read: Returns the value; it runs in one thread at a time.
        every: Seconds between a result and the next call.

    Raises:
        Exception: `read` raised it, and the block ended without an error.
    """
    samples, over, failures = Samples(), threading.Event(), list[Exception]()

    def work() -> None:
        try:
            while not over.wait(every):
                samples.take(read)
        except Exception as error:  # noqa: BLE001 - raised when the block ends
            failures.append(error)

    samples.take(read)
    thread = threading.Thread(target=work, name="sampler", daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
    samples.take(read)
