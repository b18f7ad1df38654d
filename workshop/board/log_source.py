"""Reads a stack in an AWS account: its functions' logs, because no bus lists its events.

A log line names an event, never its payload. CloudWatch Logs shows a line some seconds late, and
answers only a few requests a second, so the reads are paced.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import uuid4

from local_cloud.delivery.change_log import BusEvent, Changes, Record
from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from orderflow import contract
from workshop.board.source import Cursor
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack, current
from workshop.journeys.logs import POLL_SECONDS_IN_ACCOUNT
from workshop.orders import function_logs
from workshop.orders.function_logs import LogLine, ThrottledError
from workshop.stages import flow

HISTORY_SECONDS = 600.0
"""How far back the first read goes."""
LATE_SECONDS = 60.0
"""A log line may be found so long after it was written."""
PACE_SECONDS = 0.25
"""Between two requests. An account may send 5 to 25 a second, depending on the region (Amazon
CloudWatch Logs quotas, FilterLogEvents)."""

_REMEMBERED = 20_000
"""The most log lines and invocations that are remembered."""


class LogSource:
    """Reads the functions' logs.

    Args:
        name: The cloud's name.
        may_act: Whether the board may change the stack.
        stack_of: Returns the stack of a cloud.
        sleep: Waits so many seconds.
    """

    missing: tuple[str, ...] = (
        "This stack is in an AWS account. The board reads the functions' logs.",
        "Events have no payload here, and come some seconds late.",
        "The board does not show what EventBridge or Lambda did before a function started.",
    )

    def __init__(
        self,
        name: str,
        *,
        may_act: bool = False,
        stack_of: Callable[[str], Stack] = current,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.may_act = may_act
        self._name = name
        self._stack_of = stack_of
        self._sleep = sleep
        self._log_id = uuid4().hex
        self._last = 0
        self._since: dict[str, float] = {}
        self._seen: OrderedDict[LogLine, None] = OrderedDict()
        self._reader = LineReader()
        self._next_read = 0.0

    def stack(self) -> Stack:
        """Return the stack."""
        return self._stack_of(self._name)

    def read(self, cursor: Cursor, wait: float) -> Changes:  # noqa: ARG002 - there is one reader
        """Return what was logged since the last read.

        Raises:
            WorkshopError: The logs cannot be read.
        """
        pause = self._next_read - time.monotonic()
        if pause > 0:
            self._sleep(min(pause, wait))
            if pause > wait:
                return Changes(self._log_id, self._last, self._last, 0, ())
        stack = self.stack()
        fresh: list[LogLine] = []
        with aws_errors():
            for key, name in stack.outputs.function_names.items():
                fresh += self._lines(stack, key, name)
                self._sleep(PACE_SECONDS)
        fresh.sort(key=lambda line: line.milliseconds)
        records = tuple(self._reader.records(fresh, stack.outputs.function_names))
        self._last += len(records)
        self._next_read = time.monotonic() + POLL_SECONDS_IN_ACCOUNT
        return Changes(self._log_id, self._last, self._last, 0, records)

    def _lines(self, stack: Stack, key: str, name: str) -> list[LogLine]:
        """Return a function's new log lines; none if the read is throttled: the next has them."""
        now = time.time()
        since = self._since.setdefault(key, now - HISTORY_SECONDS)
        with suppress(ThrottledError):
            found = function_logs.read(stack, key, name, int(since * 1000))
            self._since[key] = max(since, now - LATE_SECONDS)
            fresh = [line for line in found if line not in self._seen]
            self._seen |= dict.fromkeys(fresh)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return fresh
        return []


class LineReader:
    """Turns log lines into events and deliveries; remembers which event an invocation received."""

    def __init__(self) -> None:
        self._received: OrderedDict[str, tuple[Origin, int]] = OrderedDict()

    def records(self, lines: Iterable[LogLine], names: dict[str, str]) -> Iterator[Record]:
        """Yield the records of log lines.

        Args:
            lines: The lines, oldest first.
            names: Function key → name.
        """
        for line in lines:
            parsed = line.parsed()
            if parsed and isinstance(parsed.get("message"), str) and line.function in names:
                yield from self._of_line(line.function, parsed, names)

    def _of_line(self, key: str, line: dict[str, Any], names: dict[str, str]) -> Iterator[Record]:
        what, function, at = line["message"], names[key], str(line.get("timestamp", ""))
        request_id = str(line.get("function_request_id", ""))
        order, event = str(line.get("correlation_id", "")), str(line.get("event_id", ""))
        received, attempt = self._received.get(request_id, (None, 1))
        if what == "consumed":
            self._remember(request_id, _origin(event, order))
        elif what == "tracked":
            yield Delivery(function, Outcome.DELIVERED, _origin(event, order), 1, time=at)
        elif what in {"published", "published again", "republished"}:
            event = event or f"{order}/{flow().steps[0]}"  # the reconciler's line does not name it
            yield _published(_origin(event, order), function, at, names)
            if received:
                yield Delivery(function, Outcome.DELIVERED, received, attempt, time=at)
        elif what == "failed":
            reason = str(line.get("error", ""))
            origin = received or Origin(correlation_id=order)
            yield Delivery(function, Outcome.FAILED, origin, attempt, reason, time=at)

    def _remember(self, request_id: str, origin: Origin) -> None:
        """Store which event an invocation received; all attempts have the same request id."""
        _, before = self._received.pop(request_id, (None, 0))
        self._received[request_id] = (origin, before + 1)
        if len(self._received) > _REMEMBERED:
            self._received.popitem(last=False)


def _origin(event: str, order: str) -> Origin:
    """Return the origin of an event; its own id stands for EventBridge's, which is not logged."""
    return Origin(event, event, order, _types().get(event.rpartition("/")[2], ""))


def _published(origin: Origin, function: str, at: str, names: dict[str, str]) -> BusEvent:
    """Return an event as far as its producer's log line names it, with its usual consumers."""
    step = origin.identity.rpartition("/")[2]
    metadata = {"event_id": origin.identity, "correlation_id": origin.correlation_id}
    content = {
        "id": origin.event_id,
        "detail-type": origin.detail_type,
        "time": at,
        "detail": {"metadata": metadata},
    }
    consumers = [each.key for each in flow().functions.values() if each.receives(step)]
    rules = tuple(names[key] for key in consumers if key in names)
    return BusEvent(json.dumps(content), "", rules, function, at)


@cache
def _types() -> dict[str, str]:
    """Return step → event type, as the contracts' examples have them."""
    found = {}
    for event_type in contract.types():
        for path in (contract.CONTRACTS / event_type).glob("*.example.json"):
            metadata = json.loads(path.read_text("utf-8"))["detail"]["metadata"]
            found[metadata["event_id"].rpartition("/")[2]] = event_type
    return found
