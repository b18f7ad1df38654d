"""What the redrive does, in rounds.

A message is deleted only after its consumer has accepted it, and until then nothing is ever
removed: a redrive that is killed leaves every message where it was, out of sight for two minutes at
most. A consumer that accepted an event whose message was not deleted gets it twice, and does
nothing the second time, as with any event.
"""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from recovery.redrive.consumers import Consumers
from recovery.redrive.dead_letter import DeadLetter
from recovery.redrive.queues import DeadLetterQueues

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

    It ends when a round brings nothing that was not tried. However it ends, by an error, Ctrl-C or
    `close()` too, what it held is put back; a caller that may stop half-way closes it
    (`contextlib.closing`).

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
    newest, met = now() + NEW_ONES, set[str]()
    turn, progress = clock(), True
    while progress and not until():
        progress = False
        taken = queues.take()
        try:
            meant: list[DeadLetter] = []
            others: list[DeadLetter] = []
            for letter in _oldest_first(taken):
                is_meant = letter.sent_at <= newest and wanted.matches(letter)
                (meant if is_meant else others).append(letter)
            queues.put_back(others)
            for letter in meant:
                if letter.message_id in met:
                    continue  # it was tried in an earlier round, or SQS delivered it twice
                if letter.foreign is None:
                    sleep(max(turn - clock(), 0.0))
                    if until():
                        return
                    if not queues.hold(letter):
                        continue  # no longer ours; a later round may meet it again
                    turn, progress = clock() + 1 / rate, True
                met.add(letter.message_id)
                yield _attempt(letter, queues, consumers)
        finally:
            queues.put_back(taken)


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
