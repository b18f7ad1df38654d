"""The hops of an order's journey, as functions log them."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

_CORRELATION_ID = re.compile(r'"correlation_id":\s*"([^"]*)"')


@dataclass(frozen=True, slots=True, order=True)
class Hop:
    """One step of an order's journey, as a function logged it."""

    at: datetime
    function: str
    what: str
    """`consumed`, `published`, `published again`, `tracked`, `failed`; `redriven`, `republished`;
    or `killed`, `refused`, `dropped`, `dead-lettered` from the local cloud's delivery log."""
    step: str
    """The event's step, such as `payment-succeeded`, or the reason of a failure."""
    request_id: str = field(default="", compare=False)
    """The invocation's id; all its attempts have the same."""
    cold: bool = field(default=False, compare=False)
    """Whether the line comes from the first invocation of an execution environment."""


@dataclass(slots=True)
class HopStream:
    """Puts the hops of repeated reads in order: a slow log may return an earlier hop later.

    Attributes:
        shown: The hops that were returned.
        held: The hops that wait for one more read, because an earlier hop may follow.
        fresh: Whether the last read had a new hop.
    """

    shown: list[Hop] = field(default_factory=list)
    held: list[Hop] = field(default_factory=list)
    fresh: bool = False

    def add(self, hops: list[Hop]) -> list[Hop]:
        """Add the result of a read, oldest first; return the hops to show now."""
        found = [hop for hop in hops if hop not in self.shown]
        self.fresh = any(hop not in self.held for hop in found)
        due = [hop for hop in found if self.held and hop <= self.held[-1]]
        self.held = found[len(due) :]
        self.shown += due
        return due

    def flush(self) -> list[Hop]:
        """Return the hops that are held."""
        due, self.held = self.held, []
        self.shown += due
        return due


def is_about(message: str, order_id: str) -> bool:
    """Return whether a log line or a dead letter's body is about an order.

    A line of a service names the order in `correlation_id`. Any other text must contain the id as
    a whole word: CloudWatch's filter also matches it within a longer id.
    """
    if named := _CORRELATION_ID.findall(message):
        return order_id in named
    return bool(re.search(rf"(?<![\w.-]){re.escape(order_id)}(?![\w.-])", message, re.ASCII))


def hop_of(function: str, message: str) -> Hop | None:
    """Return the hop in a function's log line; None if it has none."""
    try:
        line = json.loads(message)
        at = datetime.fromisoformat(line["timestamp"])
        what = line["message"]
        if at.tzinfo is None or not isinstance(what, str):
            return None
        if what.startswith("published"):
            # The line is logged after the bus has responded; the event was sent before.
            at -= timedelta(milliseconds=line["took_ms"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    request_id = str(line.get("function_request_id") or "")
    return Hop(at, function, what, step_of(line), request_id, line.get("cold_start") is True)


def step_of(line: dict[str, Any]) -> str:
    """Return the event's step in a log line, or the reason of a failure."""
    step = str(line.get("event_id") or line.get("event") or "").rpartition("/")[2]
    match line["message"]:
        case "failed":
            return f"{line.get('error', '')}: {line.get('reason', '')}".strip(": ")
        case "tracked" if line.get("moved_to"):
            return f"{step} → {line['moved_to']}"
        case "tracked":
            return f"{step} (no change)"
    return step
