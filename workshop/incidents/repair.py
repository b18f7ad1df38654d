"""Recover the orders of an incident: redrive, reconcile, and delete what is no order."""

import json
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from local_cloud.control import Control
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import order_rows

if TYPE_CHECKING:
    from workshop.recovery.dead_letters import DeadLetter

# Stage 5's own code is a function's, and imports boto3: it is imported when it is needed.
# ruff: noqa: PLC0415

SECONDS = 120.0
"""Timeout of a recovery."""


def dead_letters(stack: Stack) -> "list[DeadLetter]":
    """Return all dead letters of a stack, oldest first."""
    from workshop.recovery import dead_letters as stored

    queues = stored.of(stack, wait_seconds=0).queues
    if not any(each.total for each in queues.waiting().values()):
        return []  # a count is quick
    return stored.look(queues)


def left(
    stack: Stack, orders: Collection[str], known: Collection[str]
) -> "tuple[dict[str, str], list[DeadLetter]]":
    """Return what an incident has left: orders that are not shipped, and dead letters.

    Args:
        stack: The stack.
        orders: The orders of the incident.
        known: The ids of the messages from before the incident.

    Returns:
        Order → its status; and the messages about these orders, or about no order.
    """
    end = order_rows.final_status(stack)
    found = order_rows.statuses(stack, orders)
    open_orders = {each: found.get(each, "lost") for each in orders if found.get(each) != end}
    return open_orders, [
        each
        for each in dead_letters(stack)
        if each.order_id in orders or (each.order_id is None and each.message_id not in known)
    ]


def recover(stack: Stack, orders: Collection[str], known: Collection[str]) -> None:
    """Redrive, delete and reconcile until an incident has left nothing.

    Args:
        stack: The stack, with its causes removed.
        orders: The orders of the incident.
        known: The ids of the messages from before the incident.

    Raises:
        WorkshopError: Something is left after a while.
    """
    from workshop.recovery import reconcile
    from workshop.recovery.dead_letters import Filter, discard, of

    deadline = time.monotonic() + SECONDS
    dlqs = of(stack, wait_seconds=0)
    while True:
        Control(stack.target.endpoint_url or "").wait_idle(SECONDS)
        open_orders, messages = left(stack, orders, known)
        if not open_orders and not messages:
            return
        if time.monotonic() > deadline:
            names = [*open_orders, *(each.message_id for each in messages)]
            raise WorkshopError(f"Not recovered: {', '.join(names)}.")
        for each in messages:
            if each.order_id is None:
                discard(dlqs.queues, each.message_id)
            else:
                with dlqs.redriven(Filter(message_id=each.message_id)) as attempts:
                    list(attempts)
        if not messages:
            for order_id in open_orders:
                reconcile.reconcile(stack, 0, order_id=order_id)


def publish(stack: Stack, detail: Any) -> None:
    """Publish an OrderCreated with any detail, as the order service would.

    Raises:
        WorkshopError: The bus refused it.
    """
    entry = {
        "EventBusName": stack.outputs.event_bus_name,
        "Source": "orderflow.order",
        "DetailType": "OrderCreated",
        "Detail": json.dumps(detail),
    }
    answer = stack.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise WorkshopError(f"The bus refused an event: {answer['Entries'][0]['ErrorCode']}.")
