"""The shipping function: prepare a shipment."""

import os
import uuid
from typing import Any

from aws_lambda_powertools.utilities.idempotency import idempotent
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from .common import dynamodb, logger, metadata, once_per_order, persistence, publish, tracer
from .models import InventoryUpdated, Shipment, ShipmentPrepared

shipments = dynamodb.Table(os.environ["TABLE_NAME"])


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@idempotent(config=once_per_order, persistence_store=persistence)
@event_parser(model=InventoryUpdated, envelope=envelopes.EventBridgeEnvelope)
def prepare(event: InventoryUpdated, _context: LambdaContext) -> dict[str, Any]:
    """Store a shipment and publish `ShipmentPrepared`."""
    order = event.order
    logger.append_keys(correlation_id=order.order_id)
    shipment = Shipment(shipment_id=uuid.uuid4().hex, status="PREPARED")
    row = {
        **shipment.model_dump(),
        "order_id": order.order_id,
        "ship_to": order.ship_to.model_dump(),
        "items": [line.model_dump(include={"sku", "quantity"}) for line in order.lines],
    }
    shipments.put_item(Item=row)
    publish(
        "ShipmentPrepared",
        ShipmentPrepared(metadata=metadata(order, "shipped"), order=order, shipment=shipment),
    )
    return {"shipment_id": shipment.shipment_id}
