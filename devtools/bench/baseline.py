"""Deploy the baseline next to the stack, on the same local cloud."""

import io
import zipfile
from pathlib import Path

from devtools.bench.beside import Beside
from workshop.deployment.stack import Stack

SOURCE = Path(__file__).with_name("baseline_function.py")
"""The code of all of its functions."""

PREFIX = "baseline"
TABLES = {"orders": "order_id", "payments": "order_id", "inventory": "sku", "shipments": "order_id"}
CONSUMES = {
    "track": ["OrderCreated", "PaymentProcessed", "InventoryUpdated", "ShipmentPrepared"],
    "charge": ["OrderCreated"],
    "reserve": ["PaymentProcessed"],
    "prepare": ["InventoryUpdated"],
}
"""Function → the detail-types it gets."""
FUNCTIONS = ("api", *CONSUMES)


def deploy(stack: Stack) -> Beside:
    """Make the baseline's bus, tables, functions and rules.

    Raises:
        WorkshopError: A function does not become ready.
    """
    flow = Beside(stack, PREFIX)
    for table, key in TABLES.items():
        flow.make_table(table, key)
    stack.client("dynamodb").put_item(
        TableName=flow.name("inventory"),
        Item={"sku": {"S": "STOCK"}, "on_hand": {"N": "1000000"}},
    )
    flow.make_bus()
    role = flow.make_role("dynamodb:*", "events:PutEvents")
    environment = {"EVENT_BUS_NAME": flow.bus, "PREFIX": PREFIX}
    code = _zip()
    for function in FUNCTIONS:
        handler = f"{SOURCE.stem}.{function}"
        arn = flow.make_function(function, handler, code, role, environment)
        if function in CONSUMES:
            flow.make_rule(function, arn, {"detail-type": CONSUMES[function]})
    return flow


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(SOURCE, SOURCE.name)
    return buffer.getvalue()
