"""Lambda entry point of the shipping service: `prepare`."""

import os
from functools import partial
from typing import Any

from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import logger, metrics, run_step
from shipping_service import service
from shipping_service.store import DynamoShipmentStore

settings = Settings.from_environment(os.environ)
publisher = Publisher(client("events"), settings.event_bus_name)
store = DynamoShipmentStore(client("dynamodb"), settings.table_name)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def prepare(raw: dict[str, Any], context: Any) -> dict[str, str]:
    """Prepare the shipment of an `InventoryUpdated` that is reserved."""
    return run_step(raw, partial(service.prepare, store=store, clock=utc_now), publisher)
