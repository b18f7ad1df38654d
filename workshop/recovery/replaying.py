"""Replay events from the bus's archive, to all rules or to one function's."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_cloud.control import Control
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack, function_name
from workshop.errors import WorkshopError
from workshop.orders.tables import table_name

LATE = timedelta(minutes=10)
"""How long an event may take to reach the archive on AWS (EventBridge User Guide, Archives)."""
POLL_SECONDS = 1.0
MOST_ORDERS = 10_000
"""Orders whose statuses are compared; of a larger table nothing is read."""
IDLE_SECONDS = 300.0

Orders = Mapping[str, tuple[str, bool]]
"""Order id → its status, and whether it is open."""


@dataclass(frozen=True)
class Range:
    """The events of a replay: from `since` up to `until`, both in UTC."""

    since: datetime
    until: datetime

    def slices(self, seconds: float | None) -> Iterator["Range"]:
        """Yield ranges of at most so many seconds, oldest first; the whole range for None."""
        since = self.since
        step = timedelta(seconds=seconds) if seconds else self.until - self.since
        while since < self.until:
            until = min(since + step, self.until)
            yield Range(since, until)
            since = until


@dataclass(frozen=True)
class Change:
    """What a replay changed in the Orders table.

    Attributes:
        before: Status → orders before.
        after: Status → orders after.
        ended: Orders that had ended before.
        moved: Those of them whose status is another one now: there must be none.
    """

    before: Counter[str]
    after: Counter[str]
    ended: int
    moved: tuple[str, ...]


def replay(stack: Stack, events: Range, function: str | None = None) -> None:
    """Replay a range of events and wait until EventBridge has sent all of them.

    Interrupted, it cancels the replay.

    Args:
        stack: The stack.
        events: Which events.
        function: The key of the only function that receives them; None for all rules.

    Raises:
        WorkshopError: The stack has no archive or no such rule, or EventBridge refuses the replay.
    """
    client = stack.client("events")
    with aws_errors():
        bus = client.describe_event_bus(Name=stack.outputs.event_bus_name)["Arn"]
        destination: dict[str, Any] = {"Arn": bus}
        if function:
            destination["FilterArns"] = [_rule(stack, client, function)]
        name = f"replay-{uuid.uuid4().hex[:12]}"
        client.start_replay(
            ReplayName=name,
            EventSourceArn=_archive(client, bus),
            EventStartTime=events.since,
            EventEndTime=events.until,
            Destination=destination,
        )
        try:
            _wait(client, name)
        except KeyboardInterrupt:
            client.cancel_replay(ReplayName=name)
            raise


def settled(stack: Stack) -> bool:
    """Wait until the local cloud delivers nothing more; return False where nobody knows: on AWS."""
    if not stack.target.own or stack.target.endpoint_url is None:
        return False
    return Control(stack.target.endpoint_url, timeout=IDLE_SECONDS).wait_idle(IDLE_SECONDS)


def orders(stack: Stack) -> Orders | None:
    """Return the status of every order; None if there are too many to read."""
    client, name = stack.client("dynamodb"), table_name(stack, "orders")
    with aws_errors():
        if client.describe_table(TableName=name)["Table"]["ItemCount"] > MOST_ORDERS:
            return None
        pages = client.get_paginator("scan").paginate(
            TableName=name,
            ProjectionExpression="order_id, #status, #open",
            ExpressionAttributeNames={"#status": "status", "#open": "open"},
        )
        return {
            item["order_id"]["S"]: (item["status"]["S"], "open" in item)
            for page in pages
            for item in page["Items"]
        }


def change(before: Orders, after: Orders) -> Change:
    """Compare the orders before and after a replay."""
    ended = {order_id: status for order_id, (status, is_open) in before.items() if not is_open}
    return Change(
        Counter(status for status, _ in before.values()),
        Counter(status for status, _ in after.values()),
        len(ended),
        tuple(
            order_id
            for order_id, status in ended.items()
            if after.get(order_id, (status, False))[0] != status
        ),
    )


def is_fresh(stack: Stack, events: Range) -> bool:
    """Return whether the newest events may not have reached the archive yet."""
    return not stack.target.own and events.until > datetime.now(UTC) - LATE


def _archive(client: Any, bus: str) -> str:
    """Return the ARN of the bus's archive."""
    archives = client.list_archives(EventSourceArn=bus)["Archives"]
    if not archives:
        raise WorkshopError("The stack has no archive: it comes with stage 5. Run: make up STAGE=5")
    return str(client.describe_archive(ArchiveName=archives[0]["ArchiveName"])["ArchiveArn"])


def _rule(stack: Stack, client: Any, function: str) -> str:
    """Return the ARN of the rule that invokes a function."""
    rule = {"Name": function_name(stack, function), "EventBusName": stack.outputs.event_bus_name}
    try:
        return str(client.describe_rule(**rule)["Arn"])
    except client.exceptions.ResourceNotFoundException:
        raise WorkshopError(f"No rule invokes {function}: no event reaches it.") from None


def _wait(client: Any, name: str) -> None:
    while True:
        found = client.describe_replay(ReplayName=name)
        match found["State"]:
            case "COMPLETED":
                return
            case "FAILED" | "CANCELLED" as state:
                reason = found.get("StateReason", "EventBridge gives no reason")
                raise WorkshopError(f"The replay is {state.lower()}: {reason}.")
        time.sleep(POLL_SECONDS)
