"""The outcome of each delivery: the newest records, and totals since the start.

A record names an event but never contains its detail, which may be personal data.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

INTERNAL_ERROR = "internal error"
"""The reason of a drop that is a bug of the local cloud; see its log."""


def moment(seconds: float = 0.0) -> str:
    """Return the time in so many seconds: UTC, ISO 8601, with milliseconds."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


class Outcome(StrEnum):
    """The outcome of one attempt, or of the event."""

    DELIVERED = "delivered"
    """The function ran and returned."""
    FAILED = "failed"
    """The function ran and raised, timed out or died."""
    THROTTLED = "throttled"
    """The function did not run: no concurrency was free, or the service failed."""
    REFUSED = "refused"
    """Lambda did not accept the event from EventBridge."""
    DEAD_LETTERED = "dead-lettered"
    """The event is in a queue; nothing retries it automatically."""
    DROPPED = "dropped"
    """The event is lost."""
    KILLED = "killed"
    """Fault injection killed the function when it was about to publish the event."""
    DUPLICATED = "duplicated"
    """Fault injection delivered it more than once."""
    DELAYED = "delayed"
    """Fault injection delays it."""
    REORDERED = "reordered"
    """Fault injection delays it, so that others overtake it."""


@dataclass(frozen=True)
class Origin:
    """The event of a delivery, and the rule that matched it.

    Attributes:
        event_id: EventBridge's id, new for every event that is put on the bus.
        identity: `detail.metadata.event_id` if there is one: the same when it is re-published.
        correlation_id: `detail.metadata.correlation_id`, which is the order's id.
        detail_type: Such as OrderCreated.
        rule: The rule's name; empty for a direct invocation.
    """

    event_id: str = ""
    identity: str = ""
    correlation_id: str = ""
    detail_type: str = ""
    rule: str = ""

    @classmethod
    def of(cls, event: Any, *, rule: str = "") -> "Origin":
        """Return the origin of an event; missing fields of the envelope are empty."""

        def text(of: Any, name: str) -> str:
            value = of.get(name) if isinstance(of, Mapping) else None
            return value if isinstance(value, str) else ""

        detail = event.get("detail") if isinstance(event, Mapping) else None
        metadata = detail.get("metadata") if isinstance(detail, Mapping) else None
        event_id = text(event, "id")
        return cls(
            event_id=event_id,
            identity=text(metadata, "event_id") or event_id,
            correlation_id=text(metadata, "correlation_id"),
            detail_type=text(event, "detail-type"),
            rule=rule,
        )


@dataclass(frozen=True)
class Delivery:
    """One record. Times are in UTC, ISO 8601; a field that does not apply is empty or 0.

    Attributes:
        function: The function's name.
        outcome: The outcome.
        origin: The event.
        attempt: The number of the attempt, from 1; 0 if there was none.
        reason: The reason in a word or two: an error's type, a condition, an error code.
        queue: The ARN of the queue with the event, if it is in one.
        milliseconds: The duration of the attempt, with its cold start.
        time: When the outcome was known.
        request_id: The invocation's id: the same for all attempts, another one for a duplicate.
        accepted: When Lambda accepted the event.
        started: When the attempt started.
        cold_start_milliseconds: The duration of the attempt's cold start.
        next_try: When the next attempt is due: a retry, or the end of an injected delay.
        delay_milliseconds: The injected delay of the invocation's first attempt.
        message_id: The id of the message, if the event came from a queue: the same for all
            attempts, each of which is an invocation of its own.
    """

    function: str
    outcome: Outcome
    origin: Origin
    attempt: int = 0
    reason: str = ""
    queue: str = ""
    milliseconds: float = 0.0
    time: str = field(default_factory=moment)
    request_id: str = ""
    accepted: str = ""
    started: str = ""
    cold_start_milliseconds: float = 0.0
    next_try: str = ""
    delay_milliseconds: float = 0.0
    message_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Delivery":
        """Return the record of a `to_json`."""
        return cls(
            **{
                **data,
                "origin": Origin(**data["origin"]),
                "outcome": Outcome(data["outcome"]),
            }
        )


class Journal:
    """Stores the newest deliveries. Thread-safe.

    Args:
        size: The most records.
        listener: Is called with each new record, and must return at once.
    """

    def __init__(
        self, size: int = 20_000, listener: Callable[["Delivery"], None] = lambda _: None
    ) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._records: deque[Delivery] = deque(maxlen=size)
        self._totals: Counter[str] = Counter()

    def add(self, delivery: Delivery) -> None:
        """Add a record."""
        with self._lock:
            self._records.append(delivery)
            self._totals[delivery.outcome] += 1
        self._listener(delivery)

    def to_json(self) -> dict[str, Any]:
        """Return all records in JSON's types."""
        with self._lock:
            records, totals = list(self._records), dict(self._totals)
        return {"records": [each.to_json() for each in records], "totals": totals}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Replace all records with those of a `to_json`."""
        records = [Delivery.from_json(each) for each in data["records"]]
        with self._lock:
            self._records = deque(records, maxlen=self._records.maxlen)
            self._totals = Counter(data["totals"])

    def totals(self) -> dict[str, int]:
        """Return the number of deliveries with each outcome since the start; 0 is included."""
        with self._lock:
            return {outcome.value: self._totals[outcome] for outcome in Outcome}

    def records(self, correlation_id: str = "", limit: int = 0) -> list[Delivery]:
        """Return the records, oldest first: all, those of one correlation id, or the newest."""
        with self._lock:
            kept: Iterable[Delivery] = list(self._records)
        found = [
            item
            for item in kept
            if not correlation_id or item.origin.correlation_id == correlation_id
        ]
        return found[-limit:] if limit else found
