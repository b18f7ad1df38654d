"""Reading one value again and again while something else runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

EVERY_SECONDS = 0.03


@dataclass
class Samples:
    """What was read, in the order of time.

    Attributes:
        readings: (seconds since the start, value).
    """

    readings: list[tuple[float, int]] = field(default_factory=list)
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock: float = field(default_factory=time.monotonic)

    @property
    def lowest(self) -> int:
        """The least value that was ever read."""
        return min(value for _, value in self.readings)

    def seconds_at(self, moment: str) -> float:
        """Return how many seconds after the start a contract timestamp lies."""
        return (datetime.fromisoformat(moment) - self._started).total_seconds()

    def take(self, read: Callable[[], int]) -> None:
        """Read once; the moment is that of the answer."""
        value = read()
        self.readings.append((time.monotonic() - self._clock, value))


@contextmanager
def sampled(read: Callable[[], int], *, every: float = EVERY_SECONDS) -> Iterator[Samples]:
    """Call `read` again and again in a thread, from the beginning of a `with` block to its end.

    The first value is read before the block begins, the last one after it has ended.

    Args:
        read: What to call; it runs in one thread at a time.
        every: Seconds from one answer to the next question.

    Raises:
        Exception: Whatever `read` raised, when the block has ended without an error of its own.
    """
    samples, over, failures = Samples(), threading.Event(), list[Exception]()

    def work() -> None:
        try:
            while not over.wait(every):
                samples.take(read)
        except Exception as error:  # noqa: BLE001 - told where the block ends
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
