"""The shipping service: its entry point, and how its parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from orderflow.aws import client
from orderflow.clock import Clock, utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import entry_point, run_step
from shipping_service import service
from shipping_service.store import DynamoShipmentStore, ShipmentStore


@dataclass(frozen=True, slots=True)
class App:
    """The shipping service with all that it uses."""

    store: ShipmentStore
    publisher: Publisher
    clock: Clock = utc_now

    @entry_point
    def prepare(self, raw: Any, context: Any) -> dict[str, str]:
        """Prepare the shipment of an `InventoryUpdated` that is reserved."""
        decide = partial(service.prepare, store=self.store, clock=self.clock)
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
        store=DynamoShipmentStore(dynamodb or client("dynamodb"), settings.table_name),
        publisher=Publisher(events or client("events"), settings.event_bus_name),
    )
