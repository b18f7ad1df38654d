"""Delete orders that tests and notebooks placed."""

from collections.abc import Collection, Sequence
from typing import Any

from workshop.deployment.stack import Stack
from workshop.journeys.hops import is_about
from workshop.orders.tables import table_name
from workshop.stages import flow

BATCH = 25
"""Maximum items of one BatchWriteItem request."""


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


def delete_orders(stack: Stack, order_ids: Collection[str]) -> None:
    """Delete orders' rows in all tables, and their dead letters.

    Call it when no event of the orders is being processed: the tracker creates a row again for an
    event of an order without one. Logs and the archive keep their entries.
    """
    delete_rows(stack, order_ids)
    if order_ids and stack.outputs.dead_letter_queue_urls:
        delete_dead_letters(stack, *order_ids)


def delete_rows(stack: Stack, order_ids: Collection[str]) -> None:
    """Delete orders' rows in all tables."""
    for name, table in flow().tables.items():
        if name in stack.outputs.table_names:
            keys = [table.key_of(order_id) for order_id in order_ids]
            _delete(stack, table_name(stack, name), keys)


def _delete(stack: Stack, name: str, keys: Sequence[dict[str, Any]]) -> None:
    """Delete items in batches; send what DynamoDB leaves unprocessed again."""
    dynamodb = stack.client("dynamodb")
    requests: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
    while requests:
        batch, requests = requests[:BATCH], requests[BATCH:]
        unprocessed = dynamodb.batch_write_item(RequestItems={name: batch})["UnprocessedItems"]
        requests += unprocessed.get(name, [])


def delete_dead_letters(stack: Stack, *words: str) -> None:
    """Delete the dead letters about these orders, or with these whole words in them."""
    from workshop.recovery import dead_letters  # noqa: PLC0415 - stage 5's own code

    queues = dead_letters.of(stack).queues
    if not any(each.total for each in queues.waiting().values()):
        return  # a count is quick; receiving waits for more messages
    received = queues.receive()
    try:
        for message in received:
            if any(is_about(message.body, each) for each in words):
                queues.delete(message)
    finally:
        queues.release(received)
