"""The order tracker: its entry point, and how its parts are put together.

It is a function of its own. So it imports nothing of the API, which would make its cold start
longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from order_service.status import status_after
from order_service.store import DynamoOrderStore, OrderStore
from order_service.tracking import move_on
from orderflow.aws import client
from orderflow.clock import Clock, utc_now
from orderflow.settings import TableSettings
from orderflow.step import entry_point, logged_failures, logger, metrics, receive


@dataclass(frozen=True, slots=True)
class Tracker:
    """The order tracker with all that it uses."""

    store: OrderStore
    clock: Clock = utc_now

    @entry_point
    def track(self, raw: Any, context: Any) -> dict[str, Any]:
        """Move the order's status forward with every event of the flow."""
        with logged_failures():
            event = receive(raw)
            moved_to = move_on(event, store=self.store, clock=self.clock)
            if status_after(event) is None:
                metrics.add_metric(name="without-status", unit=MetricUnit.Count, value=1)
            logger.info("tracked", extra={"event_id": event.event_id, "moved_to": moved_to})
        return {"consumed": event.event_id, "moved_to": moved_to}


def build_tracker(environment: Mapping[str, str], *, dynamodb: Any = None) -> Tracker:
    """Put the tracker together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.

    Raises:
        SettingsError: A variable is missing or has an invalid value.
    """
    settings = TableSettings.from_environment(environment)
    return Tracker(DynamoOrderStore(dynamodb or client("dynamodb"), settings.table_name))
