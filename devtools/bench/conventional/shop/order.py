"""The order functions: take an order, and keep its status up to date."""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from .common import dynamodb, logger, metadata, persistence, publish, tracer
from .models import Line, Order, OrderCreated, PlaceOrder

PRICES = {"KEYBOARD": 7900, "MOUSE": 2900, "MONITOR": 24900, "HEADSET": 5900, "WEBCAM": 4900}
NAMESPACE = uuid.UUID("0d1f2f5c-64a5-4c05-9f0e-5a7d1d2c8f11")
STATUSES = {
    "SUCCEEDED": "PAID",
    "DECLINED": "PAYMENT_DECLINED",
    "RESERVED": "RESERVED",
    "OUT_OF_STOCK": "OUT_OF_STOCK",
    "PREPARED": "SHIPPED",
}

orders = dynamodb.Table(os.environ["TABLE_NAME"])
once_per_key = IdempotencyConfig(event_key_jmespath="idempotency_key")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@idempotent(config=once_per_key, persistence_store=persistence)
@event_parser(model=PlaceOrder)
def place(event: PlaceOrder, _context: LambdaContext) -> dict[str, Any]:
    """Store an order and publish `OrderCreated`."""
    request = event.order
    lines = [Line(**line.model_dump(), unit_price=PRICES[line.sku]) for line in request.lines]
    order = Order(
        order_id=uuid.uuid5(NAMESPACE, event.idempotency_key).hex,
        customer_id=request.customer_id,
        placed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        lines=lines,
        total=sum(line.quantity * line.unit_price for line in lines),
        currency=request.currency,
        ship_to=request.ship_to,
    )
    logger.append_keys(correlation_id=order.order_id)
    contact = request.contact.model_dump()
    orders.put_item(Item={**order.model_dump(), "contact": contact, "status": "CREATED"})
    publish(
        "OrderCreated",
        OrderCreated(
            metadata=metadata(order, "created"),
            order=order,
            payment_method=request.payment_method,
        ),
    )
    return {"statusCode": 201, "order_id": order.order_id}


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def track(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Set the status of an order to what has just happened."""
    detail = event["detail"]
    order_id = detail["order"]["order_id"]
    logger.append_keys(correlation_id=order_id)
    outcome = detail.get("shipment") or detail.get("inventory") or detail.get("payment")
    status = STATUSES[outcome["status"]] if outcome else "CREATED"
    orders.update_item(
        Key={"order_id": order_id},
        UpdateExpression="SET #status = :status, updated_at = :now",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": status, ":now": datetime.now(UTC).isoformat()},
    )
    logger.info("tracked", extra={"status": status})
    return {"status": status}
