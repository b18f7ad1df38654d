"""The newest events, each with the outcome of its delivery to every consumer."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from local_cloud.delivery.change_log import BusEvent, Record
from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome, moment

MOST = 2_000
"""The most events that the board stores; the oldest ones are removed."""

MOST_TEXT = 64_000_000
"""The most characters of all these events: one event may have a million."""

_MOST_DELIVERIES = 2_000
"""The most deliveries stored for one event: a retried or duplicated event has few."""


class State(StrEnum):
    """The state of an event at one consumer, as the board shows it."""

    WAITING = "waiting"
    """The rule matched; the function has not run yet."""
    DELAYED = "delayed"
    """Fault injection delays it."""
    DELIVERED = "delivered"
    DUPLICATED = "duplicated"
    """Fault injection delivered it more than once, and the last delivery succeeded."""
    RETRYING = "retrying"
    """The last attempt failed or was refused, and there will be another one."""
    FAILED = "failed"
    """The last attempt failed. Whether there will be another one is not known."""
    DEAD_LETTERED = "dead-lettered"
    DROPPED = "dropped"
    """The event is lost for this consumer."""
    KILLED = "killed"
    """Fault injection killed the function before it published the event."""
    REFUSED = "refused"
    """A permission is missing."""


_STATES = {
    Outcome.DELIVERED: State.DELIVERED,
    Outcome.FAILED: State.RETRYING,
    Outcome.THROTTLED: State.RETRYING,
    Outcome.REFUSED: State.RETRYING,
    Outcome.DEAD_LETTERED: State.DEAD_LETTERED,
    Outcome.DROPPED: State.DROPPED,
    Outcome.KILLED: State.KILLED,
}
_HAD = {
    **_STATES,
    Outcome.FAILED: State.FAILED,
    Outcome.DUPLICATED: State.DUPLICATED,
    Outcome.DELAYED: State.DELAYED,
    Outcome.REORDERED: State.DELAYED,
}
"""Outcome of one delivery → the state that a filter finds it by."""
_LOST = {Outcome.DEAD_LETTERED, Outcome.DROPPED, Outcome.FAILED}
"""The last outcomes of an event that a function has not processed."""


class How(StrEnum):
    """What let a function process an event that had failed there."""

    REDRIVEN = "redriven"
    """Its dead letter was redriven. A redrive invokes the function, so no delivery is recorded."""
    PUBLISHED = "re-published"
    """The event was published again."""
    SENT = "sent again"
    """Somebody sent the event again."""


@dataclass(frozen=True)
class Repair:
    """The later success of an event that had failed at a function, and when it was known."""

    how: How
    time: str


_SCHEDULED = "Scheduled Event"
"""The type of the events that an EventBridge schedule sends to its target."""

_K = TypeVar("_K")
_V = TypeVar("_V")

_NO_PERMISSION = re.compile("NO_PERMISSIONS|AccessDenied")


@dataclass(frozen=True)
class Consumer:
    """One consumer of an event.

    Attributes:
        name: The function's key, or the rule's or target's name if no function of the stack.
        state: The state of the event there.
        attempts: The number of executions and refusals so far.
        reason: The reason of the last failure; empty if there is none.
        repair: What let the function process it after all; empty if nothing did.
        had: The states of all its deliveries, and the last one.
    """

    name: str
    state: State
    attempts: int = 0
    reason: str = ""
    repair: str = ""
    had: frozenset[State] = field(default=frozenset(), compare=False)


@dataclass(eq=False)
class EventLine:
    """An event of the list.

    Attributes:
        key: Identifies the line: EventBridge's id of the event, or an own one for an event that
            never reached the bus.
        origin: The event's names.
        time: When it was put on the bus, or when its first delivery was recorded.
        first: The place in the list: newer lines have higher numbers. It is the revision at which
            the line was added, except for an event that is known only after its effects.
        revision: The revision at which it changed last.
        logged: The event as the bus received it; None if only its deliveries are known.
        deliveries: The records of its deliveries, oldest first.
        repairs: Function's name → its later success, after a failure.
    """

    key: str
    origin: Origin
    time: str
    first: float
    revision: int
    logged: BusEvent | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    repairs: dict[str, Repair] = field(default_factory=dict)

    @property
    def order_id(self) -> str:
        """The order's id; empty for an event without one."""
        return self.origin.correlation_id

    @property
    def step(self) -> str:
        """The event's step, such as `payment-succeeded`; empty for an event of another kind."""
        order, _, step = self.origin.identity.rpartition("/")
        return step if order else ""

    @property
    def producer(self) -> str:
        """The name of the function that published it; empty for any other caller."""
        return self.logged.producer if self.logged else ""

    @property
    def is_unpublished(self) -> bool:
        """Whether its function was killed before it published it: its "consumer" is this one."""
        return self.logged is None and any(
            each.outcome is Outcome.KILLED for each in self.deliveries
        )

    @property
    def is_direct(self) -> bool:
        """Whether it was sent to a function without the bus."""
        return self.logged is None and any(_is_direct(each) for each in self.deliveries)

    @property
    def is_scheduled(self) -> bool:
        """Whether a schedule invoked the function with it."""
        return self.logged is None and self.origin.detail_type == _SCHEDULED

    @property
    def content(self) -> Mapping[str, Any]:
        """The event as EventBridge sends it; empty if only its deliveries are known."""
        return self.logged.content if self.logged else {}

    def consumers(self, keys: Mapping[str, str]) -> list[Consumer]:
        """Return the event's consumers in the order in which their rules matched.

        Args:
            keys: Function name → key.
        """
        names = dict.fromkeys(self.logged.rules if self.logged else ())
        names |= dict.fromkeys(each.function for each in self.deliveries)
        return [
            _consumer(
                keys.get(name, name),
                [each for each in self.deliveries if each.function == name],
                self.repairs.get(name),
            )
            for name in names
            if not self._delivered_elsewhere(name, keys)
        ]

    def _delivered_elsewhere(self, name: str, keys: Mapping[str, str]) -> bool:
        """Return whether a name is a rule's whose deliveries have the target's name."""
        rules = {each.origin.rule for each in self.deliveries if each.function != name}
        return name not in keys and name in rules


def _is_direct(delivery: Delivery) -> bool:
    """Return whether a delivery is the invocation of a function by a person or a tool."""
    return bool(delivery.accepted) and not delivery.origin.rule


def _consumer(name: str, deliveries: list[Delivery], repair: Repair | None) -> Consumer:
    outcomes = [each for each in deliveries if each.outcome in _STATES]
    attempts = max((each.attempt for each in outcomes), default=0)
    marks = {each.outcome for each in deliveries}
    had = {_HAD[each] for each in marks}
    if not outcomes:
        late = State.DELAYED if State.DELAYED in had else State.WAITING
        return Consumer(name, late, had=frozenset({*had, late}))
    last = outcomes[-1]
    state = _STATES[last.outcome]
    if last.outcome is Outcome.FAILED and not last.next_try:
        state = State.FAILED
    if state in {State.DEAD_LETTERED, State.DROPPED} and _NO_PERMISSION.search(last.reason):
        state = State.REFUSED
    elif state is State.DELIVERED and Outcome.DUPLICATED in marks:
        state = State.DUPLICATED
    reason = last.reason if state is not State.DELIVERED else ""
    if repair:
        had.add(State.DELIVERED)
    how = repair.how.value if repair else ""
    return Consumer(name, state, attempts, reason, how, frozenset({*had, state}))


class EventList:
    """Stores the newest events. Every change has a revision, so that views show only what is new.

    Args:
        most: The most events.
        most_text: The most characters of all events.
    """

    def __init__(self, most: int = MOST, most_text: int = MOST_TEXT) -> None:
        self._most = most
        self._most_text = most_text
        self._text = 0
        self._lines: OrderedDict[str, EventLine] = OrderedDict()
        self._identities: dict[str, dict[str, None]] = {}
        self._lost: dict[tuple[str, str], dict[str, EventLine]] = {}
        self.revision = 0
        self.removed = 0
        """The number of events that were removed, because there were too many."""

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, records: Iterable[Record]) -> None:
        """Add records in their order."""
        for record in records:
            self.revision += 1
            if isinstance(record, BusEvent):
                content = record.content
                line = self._line(content.get("id", ""), Origin.of(content), record.time)
                self._text += len(record.event) - _length(line)
                line.logged = record
                self._recovered(record, content)
            else:
                if _is_direct(record) and record.origin.event_id not in self._lines:
                    self._direct(record)
                line = self._line(record.origin.event_id, record.origin, record.time)
                self._deliver(line, record)
            line.revision = self.revision
            while len(self._lines) > self._most or self._text > self._most_text:
                self._remove_oldest()

    def get(self, key: str) -> EventLine | None:
        """Return the line with a key; None if it is not stored."""
        return self._lines.get(key)

    def touch(self, key: str) -> None:
        """Show a line again on every page: something that it shows has changed."""
        if (line := self._lines.get(key)) is not None:
            self.revision += 1
            line.revision = self.revision

    def redriven(self, key: str, function: str) -> None:
        """Note that the dead letter of an event was redriven with success.

        Args:
            key: The event's key.
            function: The name of the function that processed it.
        """
        line = self._lines.get(key)
        if line and key in self._lost.get((line.origin.identity, function), {}):
            self.revision += 1
            self._repair(line, function, How.REDRIVEN, moment())

    def newest_first(self) -> Iterator[EventLine]:
        """Yield all lines, newest first."""
        return iter(reversed(list(self._lines.values())))

    def of_order(self, order_id: str) -> list[EventLine]:
        """Return an order's lines, oldest first."""
        return [each for each in self._lines.values() if each.order_id == order_id]

    def changed_after(self, revision: int) -> list[EventLine]:
        """Return the lines that changed after a revision, newest first."""
        return [each for each in self.newest_first() if each.revision > revision]

    def _deliver(self, line: EventLine, record: Delivery) -> None:
        line.deliveries.append(record)
        del line.deliveries[:-_MOST_DELIVERIES]
        line.repairs.pop(record.function, None)
        lost = self._lost.setdefault((line.origin.identity, record.function), {})
        if record.outcome in _LOST and not record.next_try:
            lost[line.key] = line
        else:
            lost.pop(line.key, None)
        if record.outcome is Outcome.DELIVERED:
            for other in lost.values():
                known = other.repairs.get(record.function)
                began = record.accepted or record.time
                if other.first < line.first and (known is None or known.time >= began):
                    self._repair(other, record.function, _how(line), record.time)
        if not lost:
            del self._lost[line.origin.identity, record.function]

    def _recovered(self, record: BusEvent, content: Mapping[str, Any]) -> None:
        """Note that a function has processed an event that had failed: it published the next one.

        A redrive invokes the function itself, so no delivery is recorded.
        """
        detail = content.get("detail")
        metadata = detail.get("metadata") if isinstance(detail, Mapping) else None
        cause = metadata.get("causation_id") if isinstance(metadata, Mapping) else None
        lost = self._lost.get((cause, record.producer), {}) if isinstance(cause, str) else {}
        for line in lost.values():
            if record.producer not in line.repairs:
                newest = self._lines[next(reversed(self._identities[line.origin.identity]))]
                how = How.REDRIVEN if newest.key in lost else _how(newest)
                self._repair(line, record.producer, how, record.time)

    def _repair(self, line: EventLine, function: str, how: How, time: str) -> None:
        line.repairs[function] = Repair(how, time)
        line.revision = self.revision

    def _remove_oldest(self) -> None:
        key, line = self._lines.popitem(last=False)
        _forget(self._identities, line.origin.identity, key)
        for function in {each.function for each in line.deliveries}:
            _forget(self._lost, (line.origin.identity, function), key)
        self._text -= _length(line)
        self.removed += 1

    def _line(self, event_id: str, origin: Origin, time: str) -> EventLine:
        key = event_id or f"unpublished-{self.revision}"
        if (line := self._lines.get(key)) is None:
            line = EventLine(key, origin, time, self.revision, self.revision)
            self._lines[key] = line
            self._identities.setdefault(origin.identity, {})[key] = None
        return line

    def _direct(self, record: Delivery) -> None:
        """Add the line of an event that was sent to a function, before the lines of its effects.

        Its record comes when the function has ended.
        """
        line = self._line(record.origin.event_id, record.origin, record.accepted)
        before, later = 0.0, []
        for each in reversed(self._lines.values()):
            if each is not line:
                if each.time <= line.time:
                    before = each.first
                    break
                later.append(each)
        if later:
            line.first = (before + later[-1].first) / 2
            for each in reversed(later):
                self._lines.move_to_end(each.key)


def _how(line: EventLine) -> How:
    """Return how the copy of an event came to its function."""
    return How.PUBLISHED if line.producer else How.SENT


def _forget(keys: dict[_K, dict[str, _V]], of: _K, key: str) -> None:
    """Remove a line's key from an index."""
    known = keys.get(of, {})
    known.pop(key, None)
    if not known:
        keys.pop(of, None)


def _length(line: EventLine) -> int:
    return len(line.logged.event) if line.logged else 0
