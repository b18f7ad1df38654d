"""An order's whole journey: what each function logged about it, and its row in every table."""

import json
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local_cloud.control import Control
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.orders.tables import table_name

POLL_SECONDS = 0.25
APPEARS_SECONDS = 5.0
"""How long an order put on the bus by hand may take to get its row."""
IDLE_SECONDS = 1.0
"""How long the local cloud has had nothing to do when an order is given up."""
TRACKED_SECONDS = 5.0
"""How long the tracker may trail an order that stands still."""

BATCH = 100
"""Items that one BatchGetItem reads at most."""

KEYS = {
    "orders": ("order_id", "{}"),
    "payments": ("order_id", "{}"),
    "inventory": ("sku", "reservation#{}"),
    "shipments": ("order_id", "{}"),
}
"""Table → the key under which it keeps an order."""

ENDINGS = {"SHIPMENT_PREPARED", "PAYMENT_DECLINED", "REFUNDED"}
FURTHEST = {
    "orders": "CREATED",
    "payments": "PAID",
    "inventory": "RESERVED",
    "shipments": "SHIPMENT_PREPARED",
}
"""Table → the status at which a good order stands still when this is the last table there is."""

Row = dict[str, Any]


class DeadEndError(WorkshopError):
    """An order stands still where it should not; the message says where, and why."""


@dataclass(frozen=True, slots=True, order=True)
class Hop:
    """One thing a function said about an order."""

    at: datetime
    function: str
    what: str
    """`consumed`, `published`, `published again`, `tracked` or `failed`."""
    step: str
    """The event's step, such as `payment-succeeded`, or the reason of a failure."""


@dataclass(slots=True)
class Looks:
    """Hops in their order, look by look: a slow log may bring what happened before the newest.

    Attributes:
        told: What has been told.
        held: What waits one look for what may still come before it.
        fresh: Whether the last look saw anything new.
    """

    told: list[Hop] = field(default_factory=list)
    held: list[Hop] = field(default_factory=list)
    fresh: bool = False

    def look(self, hops: list[Hop]) -> list[Hop]:
        """Take all hops there are, oldest first; return those to tell now."""
        found = [hop for hop in hops if hop not in self.told]
        self.fresh = any(hop not in self.held for hop in found)
        due = [hop for hop in found if self.held and hop <= self.held[-1]]
        self.held = found[len(due) :]
        self.told += due
        return due

    def rest(self) -> list[Hop]:
        """Return those that would wait for a look that does not come."""
        due, self.held = self.held, []
        self.told += due
        return due


def hops(stack: Stack, order_id: str) -> list[Hop]:
    """Return what the functions logged about an order, oldest first."""
    found = set()
    for key, name in stack.outputs.function_names.items():
        for message in _messages(stack, f"/aws/lambda/{name}", order_id):
            hop = hop_of(key, message)
            if hop:
                found.add(hop)
    return sorted(found)


def rows(stack: Stack, order_id: str) -> dict[str, Row]:
    """Return the order's row in each table that has one."""
    there = [table for table in KEYS if table in stack.outputs.table_names]
    found = {table: row_of(stack, table, order_id) for table in there}
    return {table: row for table, row in found.items() if row}


def status(stack: Stack, order_id: str) -> str | None:
    """Return the order's status, or None when there is no such order."""
    row = row_of(stack, "orders", order_id)
    return str(row["status"]) if row else None


def statuses(stack: Stack, order_ids: Collection[str]) -> dict[str, str]:
    """Return the statuses of those orders that there are, with few requests for many orders."""
    name, ids = table_name(stack, "orders"), list(dict.fromkeys(order_ids))
    found: dict[str, str] = {}
    while ids:
        asked, ids = ids[:BATCH], ids[BATCH:]
        wanted = {"Keys": [{"order_id": {"S": each}} for each in asked], "ConsistentRead": True}
        answer = stack.client("dynamodb").batch_get_item(RequestItems={name: wanted})
        rows = answer["Responses"].get(name, [])
        found |= {row["order_id"]["S"]: row["status"]["S"] for row in rows}
        left = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
        ids += [key["order_id"]["S"] for key in left]
    return found


def row_of(stack: Stack, table: str, order_id: str) -> Row | None:
    """Return the order's row in one table, or None."""
    from orderflow.dynamodb import from_wire

    key, pattern = KEYS[table]
    answer = stack.client("dynamodb").get_item(
        TableName=table_name(stack, table),
        Key={key: {"S": pattern.format(order_id)}},
        ConsistentRead=True,
    )
    return from_wire(answer["Item"]) if "Item" in answer else None


def stands_still(stack: Stack, order_status: str | None) -> bool:
    """Tell whether an order of this status goes no further on the stack as it is."""
    return order_status in ENDINGS or order_status == furthest(stack)


def furthest(stack: Stack) -> str:
    """Return the status in which a good order stands still on the stack as it is."""
    tables = stack.outputs.table_names
    last = max((list(KEYS).index(table) for table in tables), default=0)
    return FURTHEST[list(KEYS)[last]]


def newest(stack: Stack) -> str:
    """Return the id of the order placed last.

    Raises:
        UsageError: There is no order yet.
    """
    from orderflow.dynamodb import from_wire

    # A scan reads the whole table. A learner's is small, and no index of the service's has the
    # orders of all customers by time; the services themselves never scan.
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=table_name(stack, "orders"),
            ProjectionExpression="order_id, placed_at",
            ConsistentRead=True,
        )
    )
    found = [from_wire(item) for page in pages for item in page["Items"]]
    if not found:
        raise UsageError("There is no order yet. Place one: make order")
    return str(max(found, key=lambda row: str(row.get("placed_at", "")))["order_id"])


def follow(stack: Stack, order_id: str, *, seconds: float) -> Iterator[Hop | None]:
    """Yield the hops of an order as they happen, until it stands still; None while there is none.

    Raises:
        DeadEndError: It stands still elsewhere than at an end, or did so for `seconds`.
        WorkshopError: There is no such order.
    """
    started = fresh_at = time.monotonic()
    still_since: float | None = None
    seen = Looks()
    while True:
        nothing_runs = idle(stack)  # asked first: what is seen after a yes is all there will be
        now = status(stack, order_id)
        yield from seen.look(hops(stack, order_id))
        moment = time.monotonic()
        if seen.fresh or not nothing_runs:
            fresh_at = moment
        if now is None and (nothing_runs or moment > started + APPEARS_SECONDS):
            raise WorkshopError(f"There is no order {order_id}.")
        given_up = moment > fresh_at + IDLE_SECONDS
        if not stands_still(stack, now):
            still_since = None
            if given_up or moment > started + seconds:
                yield from seen.rest()
                why = _dead_end(now, seen.told, given_up=given_up, seconds=seconds)
                raise DeadEndError(f"{why}{_way_back(stack, order_id, given_up=given_up)}")
        elif still_since is None:
            still_since = moment  # logs trail the tables: one more look
        elif not seen.fresh and (
            given_up or not untracked(seen.told) or moment > still_since + TRACKED_SECONDS
        ):
            return
        yield None
        time.sleep(POLL_SECONDS)


def idle(stack: Stack) -> bool:
    """Return whether nothing is queued, runs or will be retried; of AWS nobody knows: False."""
    target = stack.target
    return bool(target.own and target.endpoint_url and Control(target.endpoint_url).status().idle)


def untracked(told: list[Hop]) -> set[str]:
    """Return the steps that were published, and that the tracker has not seen yet."""
    published = {hop.step for hop in told if hop.what.startswith("published")}
    return published - {hop.step.partition(" ")[0] for hop in told if hop.what == "tracked"}


def _dead_end(order_status: str | None, told: list[Hop], *, given_up: bool, seconds: float) -> str:
    """Say where an order stands, and why."""
    where = (
        f"The order stands still at {order_status}: nothing runs, and nothing will be tried again."
        if given_up
        else f"The order is still {order_status} after {seconds:.0f} s."
    )
    failures = [hop for hop in told if hop.what == "failed"]
    if not failures:
        return f"{where} No function logged a failure."
    last = failures[-1]
    reason = f"{where} The last failure, in {last.function}: {last.step.rstrip('.')}."
    error, _, skus = last.step.partition(": no stock item for ")
    if error == "UnknownSkuError" and skus:
        arguments = " ".join(f"{sku}=10" for sku in skus.split(", "))
        quoted = f'"{arguments}"' if " " in arguments else arguments
        reason += f" Put it on the shelf: make stock ARGS={quoted}"
    return reason


def _way_back(stack: Stack, order_id: str, *, given_up: bool) -> str:
    """Say where the order's event waits, and which command brings it back."""
    if not stack.outputs.dead_letter_queue_urls:
        return ""
    from workshop.recovery import dead_letters  # noqa: PLC0415 - stage 5's own code

    wanted = dead_letters.Wanted(order_id=order_id)
    try:
        with aws_errors():
            queues = dead_letters.of(stack).queues
            letters = dead_letters.look(queues, wanted)
            waiting = () if letters else queues.waiting().values()
    except EXPECTED as error:
        return f"\nWhether a dead-letter queue has it is unknown. {error}"
    if any(each.held for each in waiting):
        return "\nAnother command holds dead letters just now, perhaps this order's: make dlq"
    if not letters:
        perhaps = "" if given_up else "; perhaps it is still being tried"
        return (
            f"\nNo dead-letter queue has it{perhaps}. Have the order announced again: "
            f'make reconcile ARGS="--order {order_id}"'
        )
    whose = " and ".join(sorted({f"{letter.consumer}'s" for letter in letters}))
    return (
        f"\nIt waits in {whose} dead-letter queue: make dlq. Once the cause is removed, this "
        f'brings it back: make redrive ARGS="--order {order_id}"'
    )


def wait_until_still(stack: Stack, order_id: str, *, seconds: float = 30) -> str:
    """Wait until an order stands still and return its status.

    Raises:
        WorkshopError: It did not within `seconds`, or there is no such order.
    """
    deadline = time.monotonic() + seconds
    while True:
        now = status(stack, order_id)
        if now is not None and stands_still(stack, now):
            return now
        if time.monotonic() > deadline:
            raise WorkshopError(f"Order {order_id} is {now or 'unknown'} after {seconds:.0f} s.")
        time.sleep(0.05)


def _messages(stack: Stack, group: str, order_id: str) -> Iterator[str]:
    logs = stack.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=f'"{order_id}"'
    )
    try:
        for page in pages:
            for event in page["events"]:
                yield event["message"]
    except logs.exceptions.ResourceNotFoundException:
        return


def hop_of(function: str, message: str) -> Hop | None:
    """Return the hop that a function's log line tells of; None if it tells of none."""
    try:
        line = json.loads(message)
        at = datetime.fromisoformat(line["timestamp"])
        what = line["message"]
    except (ValueError, KeyError, TypeError):
        return None
    if what.startswith("published"):
        # The line is written when the bus has answered; the event was on its way before.
        at -= timedelta(milliseconds=line["took_ms"])
    return Hop(at, function, what, step_of(line))


def step_of(line: dict[str, Any]) -> str:
    """Return what a logged line is about: the event's step, or the reason of a failure."""
    step = str(line.get("event_id") or line.get("event") or "").rpartition("/")[2]
    match line["message"]:
        case "failed":
            return f"{line.get('error', '')}: {line.get('reason', '')}".strip(": ")
        case "tracked" if line.get("moved_to"):
            return f"{step} → {line['moved_to']}"
        case "tracked":
            return f"{step} (no change)"
    return step
