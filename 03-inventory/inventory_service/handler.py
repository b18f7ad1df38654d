"""Lambda entry point of the inventory service: `reserve`."""

import os
from functools import partial
from typing import Any

from inventory_service import service
from inventory_service.store import DynamoInventoryStore
from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import logger, metrics, run_step

settings = Settings.from_environment(os.environ)
publisher = Publisher(client("events"), settings.event_bus_name)
store = DynamoInventoryStore(client("dynamodb"), settings.table_name)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def reserve(raw: dict[str, Any], context: Any) -> dict[str, str]:
    """Reserve the goods of a `PaymentProcessed` that succeeded."""
    return run_step(raw, partial(service.reserve, store=store, clock=utc_now), publisher)
