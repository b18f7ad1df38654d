"""Tests of sample events: they are the events that the services publish."""

from orderflow import contract
from orderflow.event import Event, next_event
from tests.fixtures.events import example
from workshop.notebooks.sample_events import decided, order_created, out_of_stock

MOMENT = "2026-01-15T10:00:00.000Z"


def test_order_created_matches_the_contract():
    detail = order_created({"MOUSE": 2, "KEYBOARD": 1}, order_id="hand-1", customer_id="c-1")
    event = Event("OrderCreated", detail)
    contract.validate(event)
    assert event.event_id == "hand-1/order-created"
    assert event.order["customer_id"] == "c-1"


def test_order_created_has_the_prices_of_the_catalogue():
    detail = order_created({"MOUSE": 2, "KEYBOARD": 1}, order_id="hand-1", customer_id="c-1")
    assert detail["data"]["order"]["total"] == 2 * 2900 + 7900


def test_order_created_has_the_given_token():
    detail = order_created({"MOUSE": 1}, order_id="a", customer_id="c", token="tok_declined")
    assert detail["data"]["payment_method"] == {"token": "tok_declined"}


def test_out_of_stock_is_the_event_of_the_inventory():
    """Only the time differs, so a consumer of both sees a duplicate."""
    paid = example("PaymentProcessed", "succeeded")
    inventory = {"status": "OUT_OF_STOCK", "missing_skus": ["MOUSE"]}
    expected = next_event(
        paid, "InventoryUpdated", "out-of-stock", {"inventory": inventory}, at=MOMENT, version=2
    )
    made = out_of_stock(paid.detail, "MOUSE")
    contract.validate(Event("InventoryUpdated", made))
    made["metadata"]["occurred_at"] = MOMENT
    assert made == expected.detail


def test_out_of_stock_may_be_built_from_the_refund():
    """On the complete system the payment's row already holds the refund."""
    made = out_of_stock(example("PaymentProcessed", "refunded").detail, "MOUSE")
    assert made["metadata"]["causation_id"] == "example-1/payment-succeeded"


def test_decided_returns_the_reason_of_a_declined_payment():
    outcome = example("PaymentProcessed", "declined").to_json()
    assert decided({"status": "DECLINED", "outcome": outcome})["reason"] == "insufficient funds"


def test_decided_is_empty_when_a_row_has_no_outcome():
    assert decided({"status": "PENDING", "attempts": 3}) == {}
