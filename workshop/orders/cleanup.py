"""Removing orders: what tests and notebooks placed, and nobody shall find afterwards."""

from collections.abc import Collection, Sequence
from typing import Any

from workshop.deployment.stack import Stack
from workshop.orders import journey
from workshop.orders.tables import table_name

BATCH = 25
"""Items that one BatchWriteItem takes at most."""


def orders_of(stack: Stack, customer: str) -> list[str]:
    """Return the ids of a customer's orders, newest first."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table_name(stack, "orders"),
            IndexName="by-customer",
            KeyConditionExpression="customer_id = :customer",
            ExpressionAttributeValues={":customer": {"S": customer}},
            ProjectionExpression="order_id",
            ScanIndexForward=False,
        )
    )
    return [item["order_id"]["S"] for page in pages for item in page["Items"]]


def forget(stack: Stack, order_ids: Collection[str]) -> None:
    """Delete orders' rows in all tables, and their dead letters.

    To be called when nothing of them is under way any more: the tracker makes a row anew for an
    event of an order that has none. Logs and the archive go on telling of them.
    """
    forget_rows(stack, order_ids)
    if order_ids and stack.outputs.dead_letter_queue_urls:
        discard(stack, *order_ids)


def forget_rows(stack: Stack, order_ids: Collection[str]) -> None:
    """Delete orders' rows in all tables."""
    for table, (key, pattern) in journey.KEYS.items():
        if table in stack.outputs.table_names:
            keys = [{key: {"S": pattern.format(order_id)}} for order_id in order_ids]
            _delete(stack, table_name(stack, table), keys)


def _delete(stack: Stack, name: str, keys: Sequence[dict[str, Any]]) -> None:
    """Delete items, 25 at a time: DynamoDB takes no more, and may leave some to be asked again."""
    dynamodb = stack.client("dynamodb")
    wanted: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
    while wanted:
        asked, wanted = wanted[:BATCH], wanted[BATCH:]
        left = dynamodb.batch_write_item(RequestItems={name: asked})["UnprocessedItems"]
        wanted += left.get(name, [])


def discard(stack: Stack, *told: str) -> None:
    """Delete the dead letters whose text holds one of these words."""
    from workshop.recovery import dead_letters  # noqa: PLC0415 - stage 5's own code

    queues = dead_letters.of(stack).queues
    if not any(each.total for each in queues.waiting().values()):
        return  # counted in a moment; taking them waits for more to come
    taken = queues.take()
    try:
        for letter in taken:
            if any(each in letter.body for each in told):
                queues.delete(letter)
    finally:
        queues.put_back(taken)
