"""What must hold at the end of exercise 02.1."""

import json
from contextlib import suppress

import pytest
from payment_service.gateway import ChargeResult, GatewayUnavailableError

from orderflow.errors import TransientError
from tests.fixtures.events import delivered, example


class Forgetful:
    """A gateway that takes the money, once per key, and whose first answers get lost."""

    def __init__(self, lost):
        self.lost = lost
        self.charges = {}

    def charge(self, request):
        self.charges.setdefault(request.idempotency_key, request.amount)
        if self.lost:
            self.lost -= 1
            raise GatewayUnavailableError("the answer got lost")
        return ChargeResult(charge_id="ch_0123456789abcdef")


@pytest.fixture
def handler(load_handler):
    return load_handler("payment_service", "payments")


def test_an_order_is_charged_once(handler, monkeypatch, bus, context):
    """A gateway whose answers got lost twice has charged the order once"""
    gateway = Forgetful(lost=2)
    monkeypatch.setattr(handler, "gateway", gateway)
    event = delivered(example("OrderCreated"))
    for _ in range(3):
        with suppress(TransientError):  # Lambda tries again
            handler.charge(event, context)
    keys = ", ".join(gateway.charges)
    assert len(gateway.charges) == 1, (
        f"The gateway has taken the money {len(gateway.charges)} times for one order, because "
        f"it was asked under different keys: {keys}."
    )
    parts = [json.loads(each["Detail"])["data"].get("payment", {}) for each in bus.entries]
    told = {part.get("status", "something else") for part in parts}
    assert told == {"SUCCEEDED"}, (
        f"The gateway has taken the money, and {' and '.join(sorted(told)) or 'nothing'} was "
        "published."
    )


def test_two_orders_are_charged_each(handler, monkeypatch, context):
    """Two orders are two charges"""
    gateway = Forgetful(lost=0)
    monkeypatch.setattr(handler, "gateway", gateway)
    for name in ("first", "second"):
        handler.charge(delivered(example("OrderCreated", order_id=name)), context)
    assert len(gateway.charges) == 2, (
        "Two customers ordered, and the gateway was asked under the same key: the second order "
        "was shipped for nothing."
    )
