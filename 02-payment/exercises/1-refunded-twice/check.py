"""The checks of exercise 02.1."""

import json
from contextlib import suppress

import pytest
from payment_service.app import build
from payment_service.gateway import ChargeResult, GatewayUnavailableError

from orderflow.errors import TransientError
from tests.fixtures.events import delivered, example


class Remembering:
    """A gateway that does a thing once for each key; its first answers to refunds get lost."""

    def __init__(self, lost=0):
        self.lost = lost
        self.keys = {}
        """Key → what it was used for first."""

    def charge(self, request):
        self.keys.setdefault(request.idempotency_key, "charge")
        return ChargeResult(charge_id="ch_0123456789abcdef")

    def refund(self, reference, *, idempotency_key):
        self.keys.setdefault(idempotency_key, "refund")
        if self.lost:
            self.lost -= 1
            raise GatewayUnavailableError("the answer got lost")
        return "ch_0123456789abcdef"

    @property
    def refunds(self):
        return [key for key, use in self.keys.items() if use == "refund"]


@pytest.fixture
def refund(environment, dynamodb, bus, context):
    """Charge an order, and refund it in some tries."""

    def run(gateway, order_id, tries=1):
        app = build(environment("payments"), dynamodb=dynamodb, events=bus, gateway=gateway)
        app.charge(delivered(example("OrderCreated", order_id=order_id)), context)
        missing = delivered(example("InventoryUpdated", "out-of-stock", order_id=order_id))
        for _ in range(tries):
            with suppress(TransientError):  # Lambda tries again
                app.refund(missing, context)

    return run


def test_an_order_is_refunded_once(refund, bus):
    """An order is refunded once, even if the gateway's answer gets lost twice"""
    gateway = Remembering(lost=2)
    refund(gateway, "example-1", tries=3)
    assert gateway.refunds, (
        "The gateway knows the key of your refund already: it is the key of the charge. So it has "
        "paid nothing back."
    )
    assert len(gateway.refunds) == 1, (
        f"The gateway has paid back the money {len(gateway.refunds)} times for one order, because "
        f"your code sent different keys: {', '.join(gateway.refunds)}."
    )
    last = json.loads(bus.entries[-1]["Detail"])["data"]["payment"]["status"]
    assert last == "REFUNDED", f"The gateway has paid the money back, but the order is {last}."


def test_two_orders_are_refunded_separately(refund):
    """Two orders are refunded separately"""
    gateway = Remembering()
    for order_id in ("order-1", "order-2"):
        refund(gateway, order_id)
    assert len(gateway.refunds) == 2, (
        f"Two orders were out of stock, but the gateway has paid back {len(gateway.refunds)}: your "
        "code sent a key that it knew."
    )
