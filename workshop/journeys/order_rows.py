"""An order's rows in the services' tables, and its status."""

from collections.abc import Collection
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import UsageError
from workshop.orders.tables import table_name
from workshop.stages import flow

BATCH = 100
"""Maximum items of one BatchGetItem request."""

Row = dict[str, Any]


def rows(stack: Stack, order_id: str) -> dict[str, Row]:
    """Return the order's row in each table that has one."""
    there = [table for table in flow().tables if table in stack.outputs.table_names]
    found = {table: row_of(stack, table, order_id) for table in there}
    return {table: row for table, row in found.items() if row}


def status(stack: Stack, order_id: str) -> str | None:
    """Return the order's status, or None if there is no such order."""
    row = row_of(stack, "orders", order_id)
    return str(row["status"]) if row else None


def statuses(stack: Stack, order_ids: Collection[str]) -> dict[str, str]:
    """Return the statuses of the existing orders, a hundred with each request."""
    name, ids = table_name(stack, "orders"), list(dict.fromkeys(order_ids))
    found: dict[str, str] = {}
    while ids:
        batch, ids = ids[:BATCH], ids[BATCH:]
        keys = {"Keys": [{"order_id": {"S": each}} for each in batch], "ConsistentRead": True}
        response = stack.client("dynamodb").batch_get_item(RequestItems={name: keys})
        rows = response["Responses"].get(name, [])
        found |= {row["order_id"]["S"]: row["status"]["S"] for row in rows}
        unprocessed = response.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
        ids += [key["order_id"]["S"] for key in unprocessed]
    return found


def row_of(stack: Stack, table: str, order_id: str) -> Row | None:
    """Return the order's row in one table, or None."""
    from orderflow.dynamodb import from_wire

    response = stack.client("dynamodb").get_item(
        TableName=table_name(stack, table),
        Key=flow().tables[table].key_of(order_id),
        ConsistentRead=True,
    )
    return from_wire(response["Item"]) if "Item" in response else None


def is_settled(stack: Stack, order_status: str | None) -> bool:
    """Return whether an order with this status is final at the stack's stage."""
    return order_status in flow().endings() or order_status == final_status(stack)


def final_status(stack: Stack) -> str:
    """Return the final status of a successful order at the stack's stage."""
    tables = flow().tables
    stages = (tables[table].stage for table in stack.outputs.table_names if table in tables)
    return flow().final_status(max(stages, default=1))


def newest(stack: Stack) -> str:
    """Return the id of the order placed last.

    Raises:
        UsageError: There is no order yet.
    """
    found = all_rows(stack)
    if not found:
        raise UsageError("There is no order yet. Place one: make order")
    return str(max(found, key=placed_at)["order_id"])


def all_rows(stack: Stack, most: int | None = None) -> list[Row]:
    """Return the orders' ids, statuses, totals and times, in no order.

    A scan reads the whole table. The table is small here, and no index has the orders of all
    customers by time. The services never scan.

    Args:
        stack: The stack.
        most: The most orders to read; None for all.
    """
    from orderflow.dynamodb import from_wire

    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=table_name(stack, "orders"),
            ProjectionExpression="order_id, placed_at, #status, #total, currency",
            ExpressionAttributeNames={"#status": "status", "#total": "total"},
            ConsistentRead=True,
            PaginationConfig={"MaxItems": most},
        )
    )
    return [from_wire(item) for page in pages for item in page["Items"]]


def placed_at(row: Row) -> str:
    """Return when an order was placed; empty if that is not known."""
    return str(row.get("placed_at", ""))
