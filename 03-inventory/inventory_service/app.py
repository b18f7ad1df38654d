"""The inventory service: its entry point, and how its parts are put together."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from inventory_service import service
from inventory_service.store import DynamoInventoryStore, InventoryStore
from orderflow.aws import client
from orderflow.clock import Clock, utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import entry_point, run_step


@dataclass(frozen=True, slots=True)
class App:
    """The inventory service with all that it uses."""

    store: InventoryStore
    publisher: Publisher
    clock: Clock = utc_now

    @entry_point
    def reserve(self, raw: Any, context: Any) -> dict[str, str]:
        """Reserve the items of a `PaymentProcessed` that succeeded."""
        decide = partial(service.reserve, store=self.store, clock=self.clock)
        return run_step(raw, decide, self.publisher)


def build(
    environment: Mapping[str, str],
    *,
    dynamodb: Any = None,
    events: Any = None,
    sleep: Callable[[float], None] = time.sleep,
) -> App:
    """Put the service together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.
        events: A boto3 `events` client.
        sleep: Waits for a number of seconds before a retry.

    Raises:
        SettingsError: A variable is missing or has an invalid value.
    """
    settings = Settings.from_environment(environment)
    return App(
        store=DynamoInventoryStore(
            dynamodb or client("dynamodb"), settings.table_name, sleep=sleep
        ),
        publisher=Publisher(events or client("events"), settings.event_bus_name, sleep=sleep),
    )
