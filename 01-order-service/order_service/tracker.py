"""Lambda entry point of the order tracker: `track`."""

import os
from typing import Any

from order_service import service
from order_service.store import DynamoOrderStore
from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.settings import TableSettings
from orderflow.step import logged_failures, logger, metrics, receive

settings = TableSettings.from_environment(os.environ)
store = DynamoOrderStore(client("dynamodb"), settings.table_name)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def track(raw: dict[str, Any], context: Any) -> dict[str, Any]:
    """Move the order's status forward with every event of the flow."""
    with logged_failures():
        event = receive(raw)
        moved_to = service.track(event, store=store, clock=utc_now)
        logger.info("tracked", extra={"event_id": event.event_id, "moved_to": moved_to})
    return {"consumed": event.event_id, "moved_to": moved_to}
