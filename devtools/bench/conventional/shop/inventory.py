"""The inventory function: reserve the units of an order."""

import os
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import idempotent
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from .common import dynamodb, logger, metadata, once_per_order, persistence, publish, tracer
from .models import InventoryUpdated, Order, PaymentProcessed, Reservation

TABLE = os.environ["TABLE_NAME"]
STOCK_TABLE = os.environ["STOCK_TABLE_NAME"]
client = dynamodb.meta.client


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@idempotent(config=once_per_order, persistence_store=persistence)
@event_parser(model=PaymentProcessed, envelope=envelopes.EventBridgeEnvelope)
def reserve(event: PaymentProcessed, _context: LambdaContext) -> dict[str, Any]:
    """Reserve all units of an order, or none, and publish `InventoryUpdated`."""
    order = event.order
    logger.append_keys(correlation_id=order.order_id)
    reservation = take_units(order)
    outcome = InventoryUpdated(
        metadata=metadata(order, "reserved"), order=order, inventory=reservation
    )
    publish("InventoryUpdated", outcome)
    return {"reservation_id": reservation.reservation_id}


@tracer.capture_method(capture_response=False)
def take_units(order: Order) -> Reservation:
    """Write the reservation and reduce the stock in one transaction."""
    reservation = Reservation(reservation_id=uuid.uuid4().hex, status="RESERVED")
    lines = [line.model_dump() for line in order.lines]
    record = {**reservation.model_dump(), "order_id": order.order_id, "lines": lines}
    takes = [
        {
            "Update": {
                "TableName": STOCK_TABLE,
                "Key": {"sku": line.sku},
                "UpdateExpression": "SET on_hand = on_hand - :quantity",
                "ConditionExpression": "on_hand >= :quantity",
                "ExpressionAttributeValues": {":quantity": line.quantity},
            }
        }
        for line in order.lines
    ]
    try:
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": TABLE, "Item": record}}, *takes]
        )
    except client.exceptions.TransactionCanceledException as error:
        codes = [reason["Code"] for reason in error.response["CancellationReasons"]]
        if "ConditionalCheckFailed" not in codes:
            raise
        refused = Reservation(reservation_id=reservation.reservation_id, status="OUT_OF_STOCK")
        client.put_item(TableName=TABLE, Item={**record, **refused.model_dump()})
        return refused
    return reservation
