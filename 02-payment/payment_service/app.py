"""The payment service: its entry points, and how its parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from orderflow.aws import client
from orderflow.clock import Clock, utc_now
from orderflow.publisher import Publisher
from orderflow.step import entry_point, run_step
from payment_service import service
from payment_service.gateway import PaymentGateway, SimulatedGateway
from payment_service.settings import PaymentSettings
from payment_service.store import DynamoPaymentStore, PaymentStore


@dataclass(frozen=True, slots=True)
class App:
    """The payment service with all that it uses."""

    store: PaymentStore
    gateway: PaymentGateway
    publisher: Publisher
    clock: Clock = utc_now

    @entry_point
    def charge(self, raw: Any, context: Any) -> dict[str, str]:
        """Charge the order of an `OrderCreated`."""
        decide = partial(service.charge, store=self.store, gateway=self.gateway, clock=self.clock)
        return run_step(raw, decide, self.publisher)

    @entry_point
    def refund(self, raw: Any, context: Any) -> dict[str, str]:
        """Refund the order of an `InventoryUpdated` that is out of stock."""
        decide = partial(service.refund, store=self.store, gateway=self.gateway, clock=self.clock)
        return run_step(raw, decide, self.publisher)


def build(
    environment: Mapping[str, str],
    *,
    dynamodb: Any = None,
    events: Any = None,
    gateway: PaymentGateway | None = None,
) -> App:
    """Put the service together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.
        events: A boto3 `events` client.
        gateway: The payment gateway; None for the simulated one.

    Raises:
        SettingsError: A variable is missing or has an invalid value.
    """
    settings = PaymentSettings.from_environment(environment)
    return App(
        store=DynamoPaymentStore(dynamodb or client("dynamodb"), settings.table_name),
        gateway=gateway or SimulatedGateway(available=settings.gateway_answers),
        publisher=Publisher(events or client("events"), settings.event_bus_name),
    )
