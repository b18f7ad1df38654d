"""What happens in the flow: counts for each function, and the deliveries since a revision."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local_cloud.delivery.delivery_log import Outcome
from workshop.board.event_list import EventLine, EventList, State

MOVES = 5_000
"""The most deliveries that are stored for browsers that have not shown them yet."""

DELIVERED, WAITING, FAILED, PUBLISHED = "delivered", "waiting", "failed", "published"

_COLUMNS = {
    State.WAITING: WAITING,
    State.DELAYED: WAITING,
    State.RETRYING: WAITING,
    State.DELIVERED: DELIVERED,
    State.DUPLICATED: DELIVERED,
}
"""State of an event at a function → what it counts as; every other state is a failure, unless the
function has processed the event later."""

_FAILURES = {
    Outcome.FAILED,
    Outcome.REFUSED,
    Outcome.DEAD_LETTERED,
    Outcome.DROPPED,
    Outcome.KILLED,
}
_NO_ATTEMPT = {Outcome.DUPLICATED, Outcome.DELAYED, Outcome.REORDERED, Outcome.KILLED}


@dataclass(frozen=True)
class Move:
    """An event that moved.

    Attributes:
        step: The event's step.
        producer: The key of the function that published it; empty for any other caller.
        consumer: The key of the function that it was delivered to; empty if no rule matched.
        outcome: The outcome of the attempt.
    """

    step: str
    producer: str
    consumer: str = ""
    outcome: Outcome = Outcome.DELIVERED


class FlowState:
    """Counts the events of the list by function and state.

    Attributes:
        counts: (function's key, `published`, `delivered`, `waiting` or `failed`) → events.
        failing: The keys of the functions with a failed last attempt, and no event since then.
    """

    def __init__(self) -> None:
        self._events: EventList | None = None
        self._reset()

    def _reset(self) -> None:
        self._revision = 0
        self._removed = 0
        self._counted: dict[str, list[tuple[str, str]]] = {}
        self._seen: dict[str, int] = {}
        self._last: dict[str, str] = {}
        self._moves: deque[tuple[int, Move]] = deque(maxlen=MOVES)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.failing: set[str] = set()

    def catch_up(self, events: EventList, keys: Mapping[str, str]) -> None:
        """Take the changes of the list since the last time.

        Args:
            events: The list; another one is read from its start.
            keys: Function name → key.
        """
        if events is not self._events:
            self._reset()
            self._events = events
        for line in reversed(events.changed_after(self._revision)):
            self._count(line.key, _counted(line, keys))
            self._take(line, keys)
        self._revision = events.revision
        if events.removed != self._removed:
            self._removed = events.removed
            for key in [each for each in self._counted if events.get(each) is None]:
                self._count(key, [])
                del self._counted[key]
                self._seen.pop(key, None)

    def moves(self, after: int) -> Counter[Move]:
        """Return the moves after a revision, each with its number."""
        return Counter(move for revision, move in self._moves if revision > after)

    def _count(self, key: str, counted: list[tuple[str, str]]) -> None:
        self.counts.subtract(self._counted.get(key, ()))
        self.counts.update(counted)
        self._counted[key] = counted

    def _take(self, line: EventLine, keys: Mapping[str, str]) -> None:
        """Take the deliveries of a line that are new."""
        producer, step = keys.get(line.producer, ""), line.step
        is_new = line.key not in self._seen
        fresh = line.deliveries[self._seen.get(line.key, 0) :]
        self._seen[line.key] = len(line.deliveries)
        if is_new and line.logged:
            # A redrive waits for the function's response, and is no delivery.
            self._judge(producer, line.logged.time, failed=False)
            if not line.logged.rules:
                self._moves.append((line.revision, Move(step, producer)))
        for each in fresh:
            key = keys.get(each.function, each.function)
            if each.outcome is Outcome.DELIVERED or each.outcome in _FAILURES:
                self._judge(key, each.time, failed=each.outcome in _FAILURES)
            # Without an event on the bus, the function was invoked directly.
            on_bus = line.logged and each.outcome not in _NO_ATTEMPT
            if on_bus or each.outcome is Outcome.DEAD_LETTERED:
                self._moves.append((line.revision, Move(step, producer, key, each.outcome)))

        for function, repair in line.repairs.items():
            self._judge(keys.get(function, function), repair.time, failed=False)

    def _judge(self, key: str, time: str, *, failed: bool) -> None:
        """Note whether a function failed last; lines are not in the order of time."""
        if time < self._last.get(key, ""):
            return
        self._last[key] = time
        if failed:
            self.failing.add(key)
        else:
            self.failing.discard(key)


def _counted(line: EventLine, keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a line counts as."""
    return list(_columns(line, keys))


def _columns(line: EventLine, keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if line.producer:
        yield keys.get(line.producer, line.producer), PUBLISHED
    for each in line.consumers(keys):
        yield each.name, DELIVERED if each.repair else _COLUMNS.get(each.state, FAILED)
