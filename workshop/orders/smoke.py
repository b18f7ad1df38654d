"""The smoke test: one real order, from the API as far as orders go, of which nothing is left.

It brings its own piece of goods, so it neither takes a customer's nor fails on an empty shelf.
"""

import time
from dataclasses import dataclass

from rich.console import Console

from workshop.deployment.local.injected_faults import nothing_is_wrong
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, WorkshopError
from workshop.orders import api_client, journey
from workshop.orders.cleanup import forget_rows, orders_of
from workshop.orders.journey_view import print_hops
from workshop.orders.tables import table_name

CUSTOMER = "smoke-test"
SKU = "MOUSE"
SECONDS = 120.0
"""How long the order may take; on AWS every function starts cold after a release."""


@dataclass(frozen=True)
class Proof:
    """An order that got as far as it should.

    Attributes:
        order_id: The order, forgotten by now.
        status: Its last status.
        seconds: From its placing until the last function had told of it.
    """

    order_id: str
    status: str
    seconds: float


def smoke(stack: Stack, console: Console) -> Proof:
    """Place an order, show its way, see that it ends well, and forget it.

    One that fails stays, to be looked at. A later smoke test forgets it, if it stands still.

    Raises:
        WorkshopError: Something is wrong on purpose; or the order was refused, or ended otherwise.
    """
    nothing_is_wrong(stack)
    on_the_shelf = _add_piece(stack, 1)
    started = time.monotonic()
    try:
        request = api_client.order_request({SKU: 1}, customer_id=CUSTOMER)
        order_id = str(api_client.place_order(stack, request)["order_id"])
    except EXPECTED:
        _add_piece(stack, -1)
        raise
    console.print(f"   {order_id}", style="dim", highlight=False)
    print_hops(console, journey.follow(stack, order_id, seconds=SECONDS))
    proof = Proof(order_id, str(journey.status(stack, order_id)), time.monotonic() - started)
    if proof.status != journey.furthest(stack):
        raise WorkshopError(
            f"The smoke test's order ended as {proof.status}, not as {journey.furthest(stack)}: "
            f"make follow ORDER={order_id}"
        )
    _forget_all(stack)
    if on_the_shelf is None:
        api_client.take_off_the_shelf(stack, SKU)
    return proof


def _forget_all(stack: Stack) -> None:
    """Remove the orders of all smoke tests, and the goods that they brought and did not take."""
    found = journey.statuses(stack, orders_of(stack, CUSTOMER))
    over = [order_id for order_id, status in found.items() if journey.stands_still(stack, status)]
    for order_id in over:
        if journey.rows(stack, order_id).get("inventory", {}).get("status") != "RESERVED":
            _add_piece(stack, -1)
    forget_rows(stack, over)  # what stands still has no dead letter; others' are nobody's business


def _add_piece(stack: Stack, pieces: int) -> int | None:
    """Put pieces on the shelf, or take some off; return how many were there, None for no item."""
    if "inventory" not in stack.outputs.table_names:
        return 0
    before = stack.client("dynamodb").update_item(
        TableName=table_name(stack, "inventory"),
        Key={"sku": {"S": SKU}},
        UpdateExpression="ADD on_hand :pieces",
        ExpressionAttributeValues={":pieces": {"N": str(pieces)}},
        ReturnValues="UPDATED_OLD",
    )
    old = before.get("Attributes", {}).get("on_hand")
    return int(old["N"]) if old else None
