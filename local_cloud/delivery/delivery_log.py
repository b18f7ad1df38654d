"""What became of each delivery: the last so many records, and totals since the start.

A record names an event but never holds its detail, which may be personal data.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

INTERNAL_ERROR = "internal error"
"""The reason of a drop that is the local cloud's own fault; its log tells more."""


class Outcome(StrEnum):
    """What became of one attempt, or of the event."""

    DELIVERED = "delivered"
    """The function ran and returned."""
    FAILED = "failed"
    """The function ran and raised, timed out or died."""
    THROTTLED = "throttled"
    """The function did not run: no concurrency was free, or the service failed."""
    REFUSED = "refused"
    """Lambda did not take the event from EventBridge."""
    DEAD_LETTERED = "dead-lettered"
    """The event rests in a queue; nothing tries it again by itself."""
    DROPPED = "dropped"
    """The event is lost."""
    DUPLICATED = "duplicated"
    """The trouble switch made more than one delivery of it."""
    DELAYED = "delayed"
    """The trouble switch holds it back."""
    REORDERED = "reordered"
    """The trouble switch lets others overtake it."""


@dataclass(frozen=True)
class Origin:
    """Which event a delivery is about, and the rule that chose it.

    Attributes:
        event_id: EventBridge's id, new for every event put on the bus.
        identity: `detail.metadata.event_id` where there is one: the same when published again.
        correlation_id: `detail.metadata.correlation_id`: the order's id.
        detail_type: such as OrderCreated.
        rule: the rule's name; empty for a direct invocation.
    """

    event_id: str = ""
    identity: str = ""
    correlation_id: str = ""
    detail_type: str = ""
    rule: str = ""

    @classmethod
    def of(cls, event: Any, *, rule: str = "") -> "Origin":
        """Read from an event in EventBridge's envelope, or from anything else as far as it goes."""

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
    """One record.

    Attributes:
        function: the function's name.
        outcome: what happened.
        origin: which event.
        attempt: which attempt, from 1; 0 where there was none.
        reason: why, in a word or two: an error's type, a condition, an error code.
        queue: the ARN of the queue where the event rests, if it does.
        milliseconds: how long the function ran.
        time: when, in UTC, ISO 8601.
    """

    function: str
    outcome: Outcome
    origin: Origin
    attempt: int = 0
    reason: str = ""
    queue: str = ""
    milliseconds: float = 0.0
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    def to_json(self) -> dict[str, Any]:
        """As JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Delivery":
        """The reverse of `to_json`."""
        return cls(
            **{
                **data,
                "origin": Origin(**data["origin"]),
                "outcome": Outcome(data["outcome"]),
            }
        )


class Journal:
    """Keeps the newest deliveries. Thread-safe."""

    def __init__(self, size: int = 20_000) -> None:
        self._lock = threading.Lock()
        self._records: deque[Delivery] = deque(maxlen=size)
        self._totals: Counter[str] = Counter()

    def add(self, delivery: Delivery) -> None:
        """Keep one more."""
        with self._lock:
            self._records.append(delivery)
            self._totals[delivery.outcome] += 1

    def to_json(self) -> dict[str, Any]:
        """Return everything that is kept, as JSON's types."""
        with self._lock:
            records, totals = list(self._records), dict(self._totals)
        return {"records": [each.to_json() for each in records], "totals": totals}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Keep what `to_json` returned, in place of what is kept now."""
        records = [Delivery.from_json(each) for each in data["records"]]
        with self._lock:
            self._records = deque(records, maxlen=self._records.maxlen)
            self._totals = Counter(data["totals"])

    def totals(self) -> dict[str, int]:
        """How many of each outcome since the start; every outcome is named."""
        with self._lock:
            return {outcome.value: self._totals[outcome] for outcome in Outcome}

    def records(self, correlation_id: str = "", limit: int = 0) -> list[Delivery]:
        """The records, oldest first; of one correlation id, or the newest `limit`, if given."""
        with self._lock:
            kept: Iterable[Delivery] = list(self._records)
        found = [
            item
            for item in kept
            if not correlation_id or item.origin.correlation_id == correlation_id
        ]
        return found[-limit:] if limit else found
