"""Lambda entry points of the payment service: `charge` and `refund`."""

import os
from functools import partial
from typing import Any

from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.publisher import Publisher
from orderflow.step import logger, metrics, run_step
from payment_service import service
from payment_service.gateway import SimulatedGateway
from payment_service.settings import PaymentSettings
from payment_service.store import DynamoPaymentStore

settings = PaymentSettings.from_environment(os.environ)
publisher = Publisher(client("events"), settings.event_bus_name)
store = DynamoPaymentStore(client("dynamodb"), settings.table_name)
gateway = SimulatedGateway(available=settings.gateway_answers)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def charge(raw: dict[str, Any], context: Any) -> dict[str, str]:
    """Charge the order of an `OrderCreated`."""
    decide = partial(service.charge, store=store, gateway=gateway, clock=utc_now)
    return run_step(raw, decide, publisher)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def refund(raw: dict[str, Any], context: Any) -> dict[str, str]:
    """Refund the order of an `InventoryUpdated` that is out of stock."""
    decide = partial(service.refund, store=store, gateway=gateway, clock=utc_now)
    return run_step(raw, decide, publisher)
