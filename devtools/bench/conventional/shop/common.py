"""What the functions share: Powertools, clients, idempotency, and how to publish."""

import os

import boto3
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.parser import BaseModel

from .models import Metadata, Order

logger = Logger()
tracer = Tracer()

dynamodb = boto3.resource("dynamodb")
events = boto3.client("events")

persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
once_per_order = IdempotencyConfig(event_key_jmespath="detail.order.order_id")


@tracer.capture_method(capture_response=False)
def publish(detail_type: str, detail: BaseModel) -> None:
    """Put an event on the bus."""
    events.put_events(
        Entries=[
            {
                "Source": os.environ["SOURCE"],
                "DetailType": detail_type,
                "Detail": detail.model_dump_json(),
                "EventBusName": os.environ["EVENT_BUS_NAME"],
            }
        ]
    )
    logger.info("published", extra={"detail_type": detail_type})


def metadata(order: Order, step: str) -> Metadata:
    """Return an event's metadata."""
    return Metadata(event_id=f"{order.order_id}/{step}", correlation_id=order.order_id)
