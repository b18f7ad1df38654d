"""An order's whole journey: what each function logged about it, and its row in every table."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from workshop.errors import WorkshopError
from workshop.stack import Stack
from workshop.tables import table_name

POLL_SECONDS = 0.25
APPEARS_SECONDS = 5.0
"""How long an order put on the bus by hand may take to get its row."""

KEYS = {
    "orders": ("order_id", "{}"),
    "payments": ("order_id", "{}"),
    "inventory": ("sku", "reservation#{}"),
    "shipments": ("order_id", "{}"),
}
"""Table → the key under which it keeps an order."""

ENDINGS = {"SHIPMENT_PREPARED", "PAYMENT_DECLINED", "REFUNDED"}
FURTHEST = {"orders": "CREATED", "payments": "PAID", "inventory": "RESERVED"}
"""Table → the status at which an order stands still when this is the last table there is."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Hop:
    """One thing a function said about an order."""

    at: datetime
    function: str
    what: str
    """`consumed`, `published`, `published again`, `tracked` or `failed`."""
    step: str
    """The event's step, such as `payment-succeeded`, or the reason of a failure."""


def hops(stack: Stack, order_id: str) -> list[Hop]:
    """Return what the functions logged about an order, oldest first."""
    found = set()
    for key, name in stack.outputs.function_names.items():
        for message in _messages(stack, f"/aws/lambda/{name}", order_id):
            hop = _hop(key, message)
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


def row_of(stack: Stack, table: str, order_id: str) -> Row | None:
    """Return the order's row in one table, or None."""
    key, pattern = KEYS[table]
    answer = stack.client("dynamodb").get_item(
        TableName=table_name(stack, table),
        Key={key: {"S": pattern.format(order_id)}},
        ConsistentRead=True,
    )
    return _plain(answer["Item"]) if "Item" in answer else None


def stands_still(stack: Stack, order_status: str | None) -> bool:
    """Tell whether an order of this status goes no further on the stack as it is."""
    tables = stack.outputs.table_names
    last = max((list(KEYS).index(table) for table in tables), default=0)
    furthest = FURTHEST.get(list(KEYS)[last])
    return order_status in ENDINGS or (furthest is not None and order_status == furthest)


def follow(stack: Stack, order_id: str, *, seconds: float) -> Iterator[Hop]:
    """Yield the hops of an order as they happen, until it stands still.

    Raises:
        WorkshopError: There is no such order, or it did not stand still within `seconds`.
    """
    deadline = time.monotonic() + seconds
    appears_by = time.monotonic() + APPEARS_SECONDS
    told: set[Hop] = set()
    quiet = False
    while True:
        now = status(stack, order_id)
        fresh = [hop for hop in hops(stack, order_id) if hop not in told]
        told.update(fresh)
        yield from fresh
        if now is None and time.monotonic() > appears_by:
            raise WorkshopError(f"There is no order {order_id}.")
        # Logs trail the tables: one more look after the status has settled.
        if quiet and not fresh:
            return
        quiet = stands_still(stack, now)
        if time.monotonic() > deadline:
            raise WorkshopError(f"{order_id} is still {now} after {seconds:.0f} s: see make logs")
        time.sleep(POLL_SECONDS)


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
            raise WorkshopError(f"{order_id} is {now or 'unknown'} after {seconds:.0f} s")
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


def _hop(function: str, message: str) -> Hop | None:
    try:
        line = json.loads(message)
        at = datetime.fromisoformat(line["timestamp"])
        what = line["message"]
    except (ValueError, KeyError, TypeError):
        return None
    step = line.get("event_id", "").rpartition("/")[2]
    if what == "failed":
        step = f"{line['error']}: {line['reason']}".rstrip(": ")
    elif what == "tracked":
        step += f" → {line['moved_to']}" if line.get("moved_to") else " (no change)"
    elif what.startswith("published"):
        # The line is written when the bus has answered; the event was on its way before.
        at -= timedelta(milliseconds=line["took_ms"])
    return Hop(at, function, what, step)


def _plain(item: dict[str, Any]) -> Row:
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}
