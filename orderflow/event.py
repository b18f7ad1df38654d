"""An event of the order flow, in memory."""

import json
from dataclasses import dataclass
from typing import Any

Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type and its detail, `{"metadata": {...}, "data": {"order": {...}, ...}}`."""

    type: str
    detail: dict[str, Any]

    @property
    def event_id(self) -> str:
        """Order and step, for example `ord_1/payment-succeeded`; the same when sent again."""
        return str(self.detail["metadata"]["event_id"])

    @property
    def step(self) -> str:
        """The step that led to this event, for example `payment-succeeded`."""
        return self.event_id.rpartition("/")[2]

    @property
    def correlation_id(self) -> str:
        """The order id, which every hop of the order's journey carries."""
        return str(self.detail["metadata"]["correlation_id"])

    @property
    def occurred_at(self) -> str:
        """When it was decided, as a contract timestamp."""
        return str(self.detail["metadata"]["occurred_at"])

    @property
    def version(self) -> int:
        """Which schema of its type it keeps."""
        return int(self.detail["metadata"]["schema_version"])

    @property
    def order(self) -> Part:
        """The order's snapshot."""
        order: Part = self.detail["data"]["order"]
        return order

    def part(self, name: str) -> Part:
        """Return the event's own part: `payment_method`, `payment`, `inventory` or `shipment`."""
        part: Part = self.detail["data"][name]
        return part

    def to_json(self) -> str:
        """Return the detail as compact JSON: what the bus carries and what a table stores."""
        return json.dumps(self.detail, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, event_type: str, text: str) -> "Event":
        """Return the event that `to_json` wrote."""
        return cls(event_type, json.loads(text))


def first_event(event_type: str, step: str, order: Part, own_part: dict[str, Part]) -> Event:
    """Return the event that begins an order's journey."""
    data = {"order": order, **own_part}
    return _event(event_type, step, data, caused_by=None, at=order["placed_at"], version=1)


def next_event(
    cause: Event,
    event_type: str,
    step: str,
    own_part: dict[str, Part],
    *,
    at: str,
    version: int = 1,
) -> Event:
    """Return the event that `cause` leads to.

    Args:
        cause: The event that was consumed.
        event_type: The new event's type.
        step: The step that led to it, such as `payment-succeeded`.
        own_part: What it carries beside the order, such as `{"payment": {...}}`.
        at: When it was decided, as a contract timestamp.
        version: The version of its schema. The producer decides, so that consumers can be
            released with the schema of a new version before a producer sends it.
    """
    data = {"order": cause.order, **own_part}
    return _event(event_type, step, data, caused_by=cause.event_id, at=at, version=version)


def _event(
    event_type: str, step: str, data: Part, *, caused_by: str | None, at: str, version: int
) -> Event:
    order_id = data["order"]["order_id"]
    metadata = {
        "event_id": f"{order_id}/{step}",
        "correlation_id": order_id,
        "causation_id": caused_by,
        "schema_version": version,
        "occurred_at": at,
    }
    return Event(event_type, {"metadata": metadata, "data": data})
