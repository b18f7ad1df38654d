"""The smoke test: one real order, from the API to its final status.

It adds a unit of stock for itself, so it takes none from customers and never runs out.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console

from workshop.deployment.local.injected_faults import ensure_no_faults
from workshop.deployment.stack import Stack, command
from workshop.errors import EXPECTED, WorkshopError
from workshop.journeys import following, order_rows
from workshop.orders import api_client
from workshop.orders.cleanup import delete_rows, orders_of
from workshop.orders.journey_view import print_hops
from workshop.orders.tables import table_name

CUSTOMER = "smoke-test"
SKU = "MOUSE"
SECONDS = 120.0
"""Timeout of the order; on AWS every function starts cold after a release."""

KEPT = timedelta(hours=1)
"""How long the order stays in an account's tables: as long as AWS may deliver an event of it
(05-errors-dlq/terraform/retries.tf). AWS delivers at least once. An event of an order without rows
creates them again: the order would be charged again, or stay open for the reconciler."""

IDLE_SECONDS = 30.0
"""Timeout for the local cloud to become idle."""


@dataclass(frozen=True)
class Proof:
    """An order that reached its expected status.

    Attributes:
        order_id: The order.
        status: Its final status.
        seconds: The time from placing the order to its final status.
        removed: Whether the order is deleted again.
    """

    order_id: str
    status: str
    seconds: float
    removed: bool


def smoke(stack: Stack, console: Console) -> Proof:
    """Place an order, show its hops, check its final status, and delete orders of smoke tests.

    On the local cloud the order is deleted as soon as the cloud is idle. AWS does not report that,
    so there a smoke test deletes the order after `KEPT`. A failed order stays that long too, for
    analysis.

    Raises:
        WorkshopError: A fault is injected, the order was refused, or it has another status.
    """
    ensure_no_faults(stack)
    stock_before = _add_units(stack, 1)
    started = time.monotonic()
    try:
        request = api_client.order_request({SKU: 1}, customer_id=CUSTOMER)
        order_id = str(api_client.place_order(stack, request)["order_id"])
    except EXPECTED:
        _add_units(stack, -1)
        raise
    console.print(f"   {order_id}", style="dim", highlight=False)
    print_hops(console, following.follow(stack, order_id, seconds=SECONDS))
    status, seconds = str(order_rows.status(stack, order_id)), time.monotonic() - started
    expected = order_rows.final_status(stack)
    if status != expected:
        raise WorkshopError(
            f"The smoke test's order is {status}, not {expected}. To see why: "
            + command(stack, f"follow ORDER={order_id}")
        )
    removed = order_id in _remove_old(stack)
    if stock_before is None:
        api_client.delete_stock_item(stack, SKU)
    return Proof(order_id, status, seconds, removed)


def _remove_old(stack: Stack) -> list[str]:
    """Delete old orders of smoke tests, and the stock they did not take; return their ids."""
    is_idle = _wait_until_idle(stack)
    oldest = datetime.now(UTC) - KEPT
    removed = []
    for order_id in orders_of(stack, CUSTOMER):
        rows = order_rows.rows(stack, order_id)
        row = rows.get("orders", {})
        final = is_idle and order_rows.is_settled(stack, row.get("status"))
        if not final and datetime.fromisoformat(row.get("placed_at", oldest.isoformat())) > oldest:
            continue
        removed.append(order_id)
        # A row without its own event was created by a late event of a deleted order.
        if "created_event" in row and rows.get("inventory", {}).get("status") != "RESERVED":
            _add_units(stack, -1)
    delete_rows(stack, removed)  # not dead letters: the pipeline's role has no permission
    return removed


def _wait_until_idle(stack: Stack) -> bool:
    """Wait until a local cloud is idle; return whether it is."""
    deadline = time.monotonic() + IDLE_SECONDS
    while stack.target.own and time.monotonic() < deadline:
        if following.idle(stack):
            return True
        time.sleep(following.POLL_SECONDS)
    return False


def _add_units(stack: Stack, units: int) -> int | None:
    """Add units to the stock item, or subtract; return the units before, None for no item."""
    if "inventory" not in stack.outputs.table_names:
        return 0
    before = stack.client("dynamodb").update_item(
        TableName=table_name(stack, "inventory"),
        Key={"sku": {"S": SKU}},
        UpdateExpression="ADD on_hand :units",
        ExpressionAttributeValues={":units": {"N": str(units)}},
        ReturnValues="UPDATED_OLD",
    )
    old = before.get("Attributes", {}).get("on_hand")
    return int(old["N"]) if old else None
