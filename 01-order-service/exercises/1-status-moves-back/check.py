"""What must hold at the end of exercise 01.1."""

import pytest

from tests.fixtures.events import delivered, example


@pytest.fixture
def tracked(load_handler, context, rows):
    """Deliver events to the tracker, one after the other; returns the order's status."""
    tracker = load_handler("order_service", "orders", "tracker")

    def deliver(*events):
        for event_type, kind in events:
            tracker.track(delivered(example(event_type, kind)), context)
        assert rows("orders"), "The events of an order came, and it never got its row."
        return rows("orders")[0]["status"]

    return deliver


PAID = ("PaymentProcessed", "succeeded")
RESERVED = ("InventoryUpdated", "reserved")
MISSING = ("InventoryUpdated", "out-of-stock")
REFUNDED = ("PaymentProcessed", "refunded")
SHIPPED = ("ShipmentPrepared", "")


def test_a_late_event_moves_no_order_back(tracked):
    """An order whose goods are reserved stays so when its payment is told late"""
    status = tracked(PAID, RESERVED, PAID)
    assert status == "RESERVED", (
        "The goods were reserved. Then the news of the payment came late, and now the customer "
        f"reads {status}."
    )


def test_an_end_is_an_end(tracked):
    """An order that was refunded stays refunded, whatever comes late"""
    status = tracked(PAID, MISSING, REFUNDED, MISSING)
    assert status == "REFUNDED", (
        "The money was given back. Then the stock-out came late once more, and now the "
        f"customer reads {status}."
    )


def test_one_end_does_not_replace_another(tracked):
    """An order that was refunded is not shipped after all"""
    status = tracked(PAID, MISSING, REFUNDED, SHIPPED)
    assert status == "REFUNDED", (
        f"The money was given back, and now the customer reads {status}: which of the two is true?"
    )


def test_orders_still_move_on(tracked):
    """An order goes on from step to step, and may skip one that is late"""
    status = tracked(PAID, RESERVED, SHIPPED)
    assert status == "SHIPMENT_PREPARED", (
        f"All events came in order, and the customer reads {status}: nothing moves any more."
    )
