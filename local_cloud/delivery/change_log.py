"""The newest events and deliveries in one sequence, for the board and other live views.

Events hold personal data, so this log is in memory only. It never makes a delivery wait: the oldest
records are removed, and a slow reader gets the number of records that it missed.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from local_cloud.delivery.delivery_log import Delivery

RECORDS = 20_000
EVENT_BYTES = 16_000_000
"""The most records, and the most bytes of the events among them, that are stored."""

PAGE = 1_000
"""The most records of one read."""


@dataclass(frozen=True)
class BusEvent:
    """An event that reached a bus.

    Attributes:
        event: The event as EventBridge sends it, as JSON text.
        bus: The bus's name.
        rules: The names of the rules that matched.
        producer: The function that published it; empty for any other caller.
        time: When it reached the bus: UTC, ISO 8601. The event's own time has no fractions.
    """

    event: str
    bus: str
    rules: tuple[str, ...] = ()
    producer: str = ""
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    @property
    def content(self) -> dict[str, Any]:
        """The event, parsed; without its detail if that is too deep for this Python to read."""
        try:
            parsed: dict[str, Any] = json.loads(self.event)
        except RecursionError:
            # The detail is last. A text before it has no unescaped quotes.
            parsed = json.loads(self.event.partition(',"detail":')[0] + "}")
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BusEvent":
        """Return the record of a `to_json`."""
        return cls(**{**data, "rules": tuple(data["rules"])})


Record = BusEvent | Delivery


@dataclass(frozen=True)
class Changes:
    """What one read returned.

    Attributes:
        log_id: Identifies the log: a new one begins at sequence 0.
        last: The sequence number to read after the next time.
        newest: The newest sequence number; above `last` there is more to read.
        lost: The number of records after the given one that are not stored any more.
        records: The records in their order.
    """

    log_id: str
    last: int
    newest: int
    lost: int
    records: tuple[Record, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        records = [
            {"event" if isinstance(each, BusEvent) else "delivery": each.to_json()}
            for each in self.records
        ]
        return {
            "log_id": self.log_id,
            "last": self.last,
            "newest": self.newest,
            "lost": self.lost,
            "records": records,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Changes":
        """Return what a `to_json` was made from."""
        return cls(**{**data, "records": tuple(_records(data["records"]))})


def _records(data: Iterable[Mapping[str, Any]]) -> Iterable[Record]:
    for each in data:
        if "event" in each:
            yield BusEvent.from_json(each["event"])
        else:
            yield Delivery.from_json(each["delivery"])


class ChangeLog:
    """Stores the newest records, numbered from 1 without a gap. Thread-safe.

    Args:
        records: The most records.
        event_bytes: The most bytes of the events among them.
    """

    def __init__(self, records: int = RECORDS, event_bytes: int = EVENT_BYTES) -> None:
        self.log_id = uuid4().hex
        self._most = records
        self._most_bytes = event_bytes
        self._lock = threading.Lock()
        self._records: deque[Record] = deque()
        self._newest = 0
        self._bytes = 0

    @property
    def newest(self) -> int:
        """The newest record's sequence number; 0 if there was none."""
        return self._newest

    def add(self, record: Record) -> None:
        """Add a record, and remove the oldest ones beyond the limits."""
        with self._lock:
            self._records.append(record)
            self._newest += 1
            self._bytes += _size(record)
            while len(self._records) > self._most or self._bytes > self._most_bytes:
                self._bytes -= _size(self._records.popleft())

    def after(self, sequence: int, limit: int = PAGE) -> Changes:
        """Return the records after a sequence number, oldest first.

        Args:
            sequence: The last sequence number that the reader has; 0 for all that are stored.
            limit: The most records.
        """
        with self._lock:
            oldest = self._newest - len(self._records)
            start = min(max(sequence, oldest), self._newest)
            found = tuple(islice(self._records, start - oldest, start - oldest + limit))
            lost = max(oldest - sequence, 0)
            return Changes(self.log_id, start + len(found), self._newest, lost, found)


def _size(record: Record) -> int:
    return len(record.event) if isinstance(record, BusEvent) else 0
