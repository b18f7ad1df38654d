"""The checks of exercise 01.2."""

import pytest
from order_service.tracker_app import build_tracker

from tests.fixtures.events import delivered, example


@pytest.fixture
def tracked(environment, dynamodb, context, rows):
    """Deliver events to the tracker, one after the other; return the order's status."""
    tracker = build_tracker(environment("orders"), dynamodb=dynamodb)

    def deliver(*events):
        for event_type, kind in events:
            tracker.track(delivered(example(event_type, kind)), context)
        assert rows("orders"), (
            "The events of an order arrived, but the order has no item in the table."
        )
        return rows("orders")[0]["status"]

    return deliver


PAID = ("PaymentProcessed", "succeeded")
RESERVED = ("InventoryUpdated", "reserved")
MISSING = ("InventoryUpdated", "out-of-stock")
REFUNDED = ("PaymentProcessed", "refunded")
SHIPPED = ("ShipmentPrepared", "")


def test_a_late_event_does_not_move_an_order_back(tracked):
    """A reserved order stays reserved when the event of its payment arrives late"""
    status = tracked(PAID, RESERVED, PAID)
    assert status == "RESERVED", (
        "The items were reserved. Then the event of the payment arrived late, and now the customer "
        f"reads {status}."
    )


def test_a_refunded_order_stays_refunded(tracked):
    """A refunded order stays refunded, whatever arrives late"""
    status = tracked(PAID, MISSING, REFUNDED, MISSING)
    assert status == "REFUNDED", (
        "The money was refunded. Then the event before the refund arrived again (out of stock, "
        f"paid, not refunded yet), and now the customer reads {status}."
    )


def test_a_refunded_order_does_not_become_shipped(tracked):
    """A refunded order does not become a shipped one"""
    status = tracked(PAID, MISSING, REFUNDED, SHIPPED)
    assert status == "REFUNDED", (
        f"The money was refunded, and now the customer reads {status}: which of the two is true?"
    )


def test_an_order_still_moves_forward(tracked):
    """An order moves forward with every event that arrives in order"""
    status = tracked(PAID, RESERVED, SHIPPED)
    assert status == "SHIPMENT_PREPARED", (
        f"All events arrived in order, but the customer reads {status}: no order moves forward."
    )
