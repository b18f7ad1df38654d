"""The payment function: charge an order."""

import os
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import idempotent
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from .common import dynamodb, logger, metadata, once_per_order, persistence, publish, tracer
from .models import Order, OrderCreated, Payment, PaymentProcessed

payments = dynamodb.Table(os.environ["TABLE_NAME"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@idempotent(config=once_per_order, persistence_store=persistence)
@event_parser(model=OrderCreated, envelope=envelopes.EventBridgeEnvelope)
def charge(event: OrderCreated, _context: LambdaContext) -> dict[str, Any]:
    """Charge an order, store the payment and publish `PaymentProcessed`."""
    order = event.order
    logger.append_keys(correlation_id=order.order_id)
    payment = call_gateway(order, event.payment_method.token)
    payments.put_item(Item={**payment.model_dump(), "order_id": order.order_id})
    outcome = PaymentProcessed(metadata=metadata(order, "paid"), order=order, payment=payment)
    publish("PaymentProcessed", outcome)
    return {"payment_id": payment.payment_id}


@tracer.capture_method(capture_response=False)
def call_gateway(order: Order, token: str) -> Payment:
    """Charge at the simulated gateway: each call is a charge with an id of its own."""
    return Payment(
        payment_id=uuid.uuid4().hex,
        status="SUCCEEDED" if token == "tok_approved" else "DECLINED",  # noqa: S105 - no password
        amount=order.total,
        currency=order.currency,
    )
