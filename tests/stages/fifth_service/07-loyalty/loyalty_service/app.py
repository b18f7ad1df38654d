"""The loyalty service: its entry point, and how its parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from loyalty_service import service
from loyalty_service.store import DynamoPointsStore, PointsStore
from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import entry_point, run_step


@dataclass(frozen=True, slots=True)
class App:
    """The loyalty service with all that it uses."""

    store: PointsStore
    publisher: Publisher

    @entry_point
    def award(self, raw: Any, context: Any) -> dict[str, str]:
        """Award the points of a `ShipmentPrepared`."""
        decide = partial(service.award, store=self.store, clock=utc_now)
        return run_step(raw, decide, self.publisher)


def build(environment: Mapping[str, str], *, dynamodb: Any = None, events: Any = None) -> App:
    """Put the service together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.
        events: A boto3 `events` client.

    Raises:
        SettingsError: A variable is missing or has an invalid value.
    """
    settings = Settings.from_environment(environment)
    return App(
        store=DynamoPointsStore(dynamodb or client("dynamodb"), settings.table_name),
        publisher=Publisher(events or client("events"), settings.event_bus_name),
    )
