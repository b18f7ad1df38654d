"""The conventional twin as a flow: its functions, tables and rules, and how to deploy them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devtools.bench.beside import Beside
from devtools.bench.conventional import bundle
from workshop.deployment.stack import Stack

PREFIX = "conventional"
TABLES = {
    "orders": "order_id",
    "payments": "payment_id",
    "reservations": "reservation_id",
    "stock": "sku",
    "shipments": "shipment_id",
    "idempotency": "id",
}
"""Table → its key."""

DEAD_LETTERS = "dead-letters"
"""The one queue for events that could not be delivered, and for those that failed."""


@dataclass(frozen=True)
class Function:
    """One of its functions.

    Attributes:
        name: Its name without the prefix.
        handler: The handler.
        table: The table it writes.
        pattern: What its rule matches beside the source; empty: it has no rule.
    """

    name: str
    handler: str
    table: str
    pattern: Mapping[str, Any] = field(default_factory=dict)


FUNCTIONS = (
    Function("place", "shop.order.place", "orders"),
    Function(
        "track",
        "shop.order.track",
        "orders",
        {
            "detail-type": [
                *("OrderCreated", "PaymentProcessed", "InventoryUpdated", "ShipmentPrepared")
            ]
        },
    ),
    Function("charge", "shop.payment.charge", "payments", {"detail-type": ["OrderCreated"]}),
    Function(
        "reserve",
        "shop.inventory.reserve",
        "reservations",
        {
            "detail-type": ["PaymentProcessed"],
            "detail": {"payment": {"status": ["SUCCEEDED"]}},
        },
    ),
    Function(
        "prepare",
        "shop.shipping.prepare",
        "shipments",
        {
            "detail-type": ["InventoryUpdated"],
            "detail": {"inventory": {"status": ["RESERVED"]}},
        },
    ),
)


def environment(function: Function, prefix: str = PREFIX) -> dict[str, str]:
    """Return the environment variables of a function."""
    return {
        "TABLE_NAME": f"{prefix}-{function.table}",
        "STOCK_TABLE_NAME": f"{prefix}-stock",
        "IDEMPOTENCY_TABLE": f"{prefix}-idempotency",
        "EVENT_BUS_NAME": f"{prefix}-bus",
        "SOURCE": prefix,
        "POWERTOOLS_SERVICE_NAME": function.name,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def deploy(stack: Stack, stock: Mapping[str, int]) -> Beside:
    """Make the twin's bus, tables, queue, functions and rules.

    Args:
        stack: The stack that it is deployed beside.
        stock: SKU → units.

    Raises:
        WorkshopError: A function does not become ready.
    """
    flow = Beside(stack, PREFIX)
    for table, key in TABLES.items():
        flow.make_table(table, key)
    set_stock(flow, stock)
    flow.make_bus()
    queue = flow.make_queue(DEAD_LETTERS)
    role = flow.make_role("dynamodb:*", "events:PutEvents", "sqs:SendMessage", "xray:*")
    code = bundle.build()
    for function in FUNCTIONS:
        arn = flow.make_function(function.name, function.handler, code, role, environment(function))
        stack.client("lambda").put_function_event_invoke_config(
            FunctionName=flow.name(function.name),
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )
        if function.pattern:
            flow.make_rule(function.name, arn, function.pattern, queue)
    return flow


def set_stock(flow: Beside, stock: Mapping[str, int]) -> None:
    """Set the units of SKUs."""
    for sku, units in stock.items():
        flow.stack.client("dynamodb").put_item(
            TableName=flow.name("stock"), Item={"sku": {"S": sku}, "on_hand": {"N": str(units)}}
        )
