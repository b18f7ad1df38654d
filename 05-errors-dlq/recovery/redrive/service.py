"""What the redrive does, in rounds.

A message is deleted only after its consumer has accepted it, and until then nothing is ever
removed: a redrive that is killed leaves every message where it was, out of sight for two minutes at
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
from recovery.redrive.queues import TAKE_AT_MOST, DeadLetterQueues

NEW_ONES = timedelta(minutes=5)
"""A redrive leaves alone what comes into a queue later than this after its beginning: it ends, even
while new ones keep coming. The minutes are for a clock that differs from AWS's."""


class Result(StrEnum):
    """What became of a message."""

    REDRIVEN = "redriven"
    FAILED_AGAIN = "failed_again"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are meant: those that match everything that is given."""

    order_id: str | None = None
    consumer: str | None = None
    error: str | None = None
    message_id: str | None = None
    """The beginning of it will do."""

    def matches(self, letter: DeadLetter) -> bool:
        """Whether this message is meant."""
        return (
            self.order_id in {None, letter.order_id}
            and self.consumer in {None, letter.consumer}
            and self.error in {None, letter.error}
            and letter.message_id.startswith(self.message_id or "")
        )


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a redrive did with a message; error and reason if its consumer failed again."""

    letter: DeadLetter
    result: Result
    error: str = ""
    reason: str = ""


def look(queues: DeadLetterQueues, wanted: Wanted = EVERYTHING) -> list[DeadLetter]:
    """Return the messages that are meant, oldest first, and leave them all where they are.

    Those that another redrive holds are not seen.
    """
    taken = queues.take()
    queues.put_back(taken)
    return _oldest_first(letter for letter in taken if wanted.matches(letter))


def discard(queues: DeadLetterQueues, message_id: str) -> bool:
    """Delete one message unprocessed: for what can never pass, and what is not ours.

    Returns:
        False if it was not to be had: there is none, or another command holds it.
    """
    taken = queues.take()
    try:
        for letter in taken:
            if letter.message_id == message_id:
                queues.delete(letter)
                return True
        return False
    finally:
        queues.put_back(taken)


def redrive(  # noqa: PLR0913 - the world it acts on, and the three clocks a test must hold
    queues: DeadLetterQueues,
    consumers: Consumers,
    wanted: Wanted = EVERYTHING,
    *,
    rate: float = 10.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    until: Callable[[], bool] = lambda: False,
) -> Generator[Attempt, None, None]:
    """Hand each message that is meant to its consumer once, and yield what became of it.

    It ends when a round brings nothing new; what failed again stays out of sight until then.
    However it ends, by an error, Ctrl-C or `close()` too, what it held is put back; a caller that
    may stop half-way closes it (`contextlib.closing`).

    Args:
        queues: where the messages lie.
        consumers: who gets them.
        wanted: which are meant.
        rate: invocations a second, at most; above 0.
        sleep: waits so many seconds.
        clock: a monotonic clock, in seconds.
        now: the time of day, in UTC.
        until: asked before every round and every message; True stops the redrive.

    Raises:
        AwsRequestError: SQS did not do what it was asked.
    """
    newest, turn = now() + NEW_ONES, clock()
    seen, held = set[str](), list[DeadLetter]()
    try:
        while not until():
            taken = queues.take()
            held += taken
            fresh = {each.message_id: each for each in taken if each.sent_at <= newest}
            fresh = {name: each for name, each in fresh.items() if name not in seen}
            seen |= fresh.keys()
            if not fresh:
                return
            meant = _oldest_first(letter for letter in fresh.values() if wanted.matches(letter))
            # What fills a round would hide the rest behind it, if it were seen again at once.
            if max(Counter((each.consumer, each.queue) for each in taken).values()) < TAKE_AT_MOST:
                names = {letter.message_id for letter in meant}
                queues.put_back(each for each in taken if each.message_id not in names)
            for letter in meant:
                if letter.foreign is None:
                    sleep(max(turn - clock(), 0.0))
                    if until():
                        return
                    if not queues.hold(letter):
                        seen.discard(letter.message_id)  # no longer ours; another round may meet it
                        continue
                    turn = clock() + 1 / rate
                yield _attempt(letter, queues, consumers)
    finally:
        queues.put_back(held)


def _attempt(letter: DeadLetter, queues: DeadLetterQueues, consumers: Consumers) -> Attempt:
    if letter.event is None:
        return Attempt(letter, Result.FOREIGN)
    refusal = consumers.invoke(letter.consumer, letter.event)
    if refusal:
        return Attempt(letter, Result.FAILED_AGAIN, refusal.error, refusal.reason)
    queues.delete(letter)
    return Attempt(letter, Result.REDRIVEN)


def _oldest_first(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    return sorted(letters, key=lambda letter: letter.sent_at)
