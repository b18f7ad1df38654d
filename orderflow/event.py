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
    return _event(event_type, step, order, own_part, caused_by=None, at=order["placed_at"])


def next_event(
    cause: Event, event_type: str, step: str, own_part: dict[str, Part], *, at: str
) -> Event:
    """Return the event that `cause` leads to; `at` is a contract timestamp."""
    return _event(event_type, step, cause.order, own_part, caused_by=cause.event_id, at=at)


def _event(
    event_type: str,
    step: str,
    order: Part,
    own_part: dict[str, Part],
    *,
    caused_by: str | None,
    at: str,
) -> Event:
    order_id = order["order_id"]
    metadata = {
        "event_id": f"{order_id}/{step}",
        "correlation_id": order_id,
        "causation_id": caused_by,
        "schema_version": 1,
        "occurred_at": at,
    }
    return Event(event_type, {"metadata": metadata, "data": {"order": order, **own_part}})
