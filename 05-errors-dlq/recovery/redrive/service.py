"""What the redrive does, in rounds.

A message is deleted only after its consumer has accepted it, and until then nothing is ever
removed: a redrive that is killed leaves every message in its queue, invisible for two minutes at
most. A consumer that accepted an event whose message was not deleted gets it twice, and does
nothing the second time, as with any event.
"""

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from recovery.redrive.consumers import Consumers
from recovery.redrive.dead_letter import DeadLetter
from recovery.redrive.queues import RECEIVE_AT_MOST, DeadLetterQueues

NEW_ONES = timedelta(minutes=5)
"""A redrive leaves alone what comes into a queue later than this after its beginning: it ends, even
while new ones keep coming. The minutes are for a clock that differs from AWS's."""


class Result(StrEnum):
    """What became of a message."""

    REDRIVEN = "redriven"
    FAILED_AGAIN = "failed_again"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages are meant: those that match everything that is given."""

    order_id: str | None = None
    consumer: str | None = None
    error: str | None = None
    message_id: str | None = None
    """The beginning of it will do."""

    def matches(self, dead_letter: DeadLetter) -> bool:
        """Whether this message is meant."""
        return (
            self.order_id in {None, dead_letter.order_id}
            and self.consumer in {None, dead_letter.consumer}
            and self.error in {None, dead_letter.error}
            and dead_letter.message_id.startswith(self.message_id or "")
        )


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a redrive did with a message; error and reason if its consumer failed again."""

    dead_letter: DeadLetter
    result: Result
    error: str = ""
    reason: str = ""


def look(queues: DeadLetterQueues, wanted: Filter = EVERYTHING) -> list[DeadLetter]:
    """Return the messages that are meant, oldest first, and leave them all where they are.

    Those that another redrive holds are not seen.
    """
    received = queues.receive()
    queues.release(received)
    return _oldest_first(dead_letter for dead_letter in received if wanted.matches(dead_letter))


def discard(queues: DeadLetterQueues, message_id: str) -> bool:
    """Delete one message unprocessed: for what can never pass, and what is not ours.

    Returns:
        False if the message could not be claimed: it is gone, or another command holds it.
    """
    received = queues.receive()
    try:
        for dead_letter in received:
            if dead_letter.message_id == message_id:
                queues.delete(dead_letter)
                return True
        return False
    finally:
        queues.release(received)


def redrive(  # noqa: PLR0913 - the world it acts on, and the three clocks a test must hold
    queues: DeadLetterQueues,
    consumers: Consumers,
    wanted: Filter = EVERYTHING,
    *,
    rate: float = 10.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    until: Callable[[], bool] = lambda: False,
) -> Generator[Attempt, None, None]:
    """Invoke the consumer of each message of the filter once, and yield the results.

    It ends when a round brings nothing new; what failed again stays invisible until then.
    However it ends, by an error, Ctrl-C or `close()` too, it releases the rest; a caller that may
    stop half-way closes it (`contextlib.closing`).

    Args:
        queues: the dead-letter queues.
        consumers: the functions.
        wanted: which messages.
        rate: invocations a second, at most; above 0.
        sleep: waits so many seconds.
        clock: a monotonic clock, in seconds.
        now: the time of day, in UTC.
        until: asked before every round and every invocation; True stops the redrive.

    Raises:
        AwsRequestError: SQS did not do what it was asked.
    """
    newest, turn = now() + NEW_ONES, clock()
    seen, held = set[str](), list[DeadLetter]()
    try:
        while not until():
            received = queues.receive()
            held += received
            fresh = {each.message_id: each for each in received if each.sent_at <= newest}
            fresh = {name: each for name, each in fresh.items() if name not in seen}
            seen |= fresh.keys()
            if not fresh:
                return
            meant = _oldest_first(
                dead_letter for dead_letter in fresh.values() if wanted.matches(dead_letter)
            )
            # What fills a round would hide the rest behind it, if it were seen again at once.
            per_queue = Counter((each.consumer, each.queue) for each in received)
            if max(per_queue.values()) < RECEIVE_AT_MOST:
                names = {dead_letter.message_id for dead_letter in meant}
                queues.release(each for each in received if each.message_id not in names)
            for dead_letter in meant:
                if dead_letter.unrecognised is None:
                    sleep(max(turn - clock(), 0.0))
                    if until():
                        return
                    if not queues.extend_visibility(dead_letter):
                        seen.discard(
                            dead_letter.message_id
                        )  # no longer ours; another round may meet it
                        continue
                    turn = clock() + 1 / rate
                yield _attempt(dead_letter, queues, consumers)
    finally:
        queues.release(held)


def _attempt(dead_letter: DeadLetter, queues: DeadLetterQueues, consumers: Consumers) -> Attempt:
    if dead_letter.event is None:
        return Attempt(dead_letter, Result.UNRECOGNISED)
    failure = consumers.invoke(dead_letter.consumer, dead_letter.event)
    if failure:
        return Attempt(dead_letter, Result.FAILED_AGAIN, failure.error, failure.reason)
    queues.delete(dead_letter)
    return Attempt(dead_letter, Result.REDRIVEN)


def _oldest_first(dead_letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return sorted(dead_letters, key=lambda dead_letter: dead_letter.sent_at)
