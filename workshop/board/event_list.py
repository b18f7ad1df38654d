"""The newest events, each with the outcome of its delivery to every consumer."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from local_cloud.delivery.change_log import BusEvent, Record
from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome

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
_LOST = {Outcome.DEAD_LETTERED, Outcome.DROPPED}

REDRIVEN = "it has published its event since then"
"""The reason of a delivery that follows from the function's next event."""

_NO_PERMISSION = re.compile("NO_PERMISSIONS|AccessDenied")


@dataclass(frozen=True)
class Consumer:
    """One consumer of an event.

    Attributes:
        name: The function's key, or the rule's or target's name if no function of the stack.
        state: The state of the event there.
        attempts: The number of executions and refusals so far.
        reason: The reason of the last failure; empty if there is none.
    """

    name: str
    state: State
    attempts: int = 0
    reason: str = ""


@dataclass(eq=False)
class EventLine:
    """An event of the list.

    Attributes:
        key: Identifies the line: EventBridge's id of the event, or an own one for an event that
            never reached the bus.
        origin: The event's names.
        time: When it was put on the bus, or when its first delivery was recorded.
        first: The revision of the list at which the line was added.
        revision: The revision at which it changed last.
        logged: The event as the bus received it; None if only its deliveries are known.
        deliveries: The records of its deliveries, oldest first.
    """

    key: str
    origin: Origin
    time: str
    first: int
    revision: int
    logged: BusEvent | None = None
    deliveries: list[Delivery] = field(default_factory=list)

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
            _consumer(keys.get(name, name), [d for d in self.deliveries if d.function == name])
            for name in names
            if not self._delivered_elsewhere(name, keys)
        ]

    def _delivered_elsewhere(self, name: str, keys: Mapping[str, str]) -> bool:
        """Return whether a name is a rule's whose deliveries have the target's name."""
        rules = {each.origin.rule for each in self.deliveries if each.function != name}
        return name not in keys and name in rules


def _consumer(name: str, deliveries: list[Delivery]) -> Consumer:
    outcomes = [each for each in deliveries if each.outcome in _STATES]
    attempts = max((each.attempt for each in outcomes), default=0)
    marks = {each.outcome for each in deliveries}
    if not outcomes:
        late = marks & {Outcome.DELAYED, Outcome.REORDERED}
        return Consumer(name, State.DELAYED if late else State.WAITING)
    last = outcomes[-1]
    state = _STATES[last.outcome]
    if last.outcome is Outcome.FAILED and not last.next_try:
        state = State.FAILED
    if state in {State.DEAD_LETTERED, State.DROPPED} and _NO_PERMISSION.search(last.reason):
        state = State.REFUSED
    elif state is State.DELIVERED and Outcome.DUPLICATED in marks:
        state = State.DUPLICATED
    reason = last.reason if state is not State.DELIVERED else ""
    return Consumer(name, state, attempts, reason)


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
        self._identities.setdefault(line.origin.identity, {})[line.key] = None

    def _recovered(self, record: BusEvent, content: Mapping[str, Any]) -> None:
        """Note that a function has processed an event that had failed: it published the next one.

        A redrive invokes the function itself, so no delivery is recorded.
        """
        detail = content.get("detail")
        metadata = detail.get("metadata") if isinstance(detail, Mapping) else None
        cause = metadata.get("causation_id") if isinstance(metadata, Mapping) else None
        for key in list(self._identities.get(cause, ())) if isinstance(cause, str) else ():
            line = self._lines[key]
            mine = [each for each in line.deliveries if each.function == record.producer]
            if mine and mine[-1].outcome in _LOST:
                redriven = replace(
                    mine[-1],
                    outcome=Outcome.DELIVERED,
                    reason=REDRIVEN,
                    queue="",
                    milliseconds=0.0,
                    time=record.time,
                )
                self._deliver(line, redriven)
                line.revision = self.revision

    def _remove_oldest(self) -> None:
        key, line = self._lines.popitem(last=False)
        keys = self._identities.get(line.origin.identity, {})
        keys.pop(key, None)
        if not keys:
            self._identities.pop(line.origin.identity, None)
        self._text -= _length(line)
        self.removed += 1

    def _line(self, event_id: str, origin: Origin, time: str) -> EventLine:
        key = event_id or f"unpublished-{self.revision}"
        if (line := self._lines.get(key)) is None:
            line = EventLine(key, origin, time, self.revision, self.revision)
            self._lines[key] = line
        return line


def _length(line: EventLine) -> int:
    return len(line.logged.event) if line.logged else 0
