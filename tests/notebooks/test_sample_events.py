"""Events that notebooks put on the bus by hand are what the services would have sent."""

from orderflow import contract
from orderflow.event import Event, next_event
from tests.fixtures.events import example
from workshop.notebooks.sample_events import decided, order_created, out_of_stock

MOMENT = "2026-01-15T10:00:00.000Z"


def test_an_order_keeps_the_contract():
    detail = order_created({"MOUSE": 2, "KEYBOARD": 1}, order_id="hand-1", customer_id="c-1")
    event = Event("OrderCreated", detail)
    contract.validate(event)
    assert event.event_id == "hand-1/order-created"
    assert event.order["customer_id"] == "c-1"


def test_an_order_has_the_catalogues_prices():
    detail = order_created({"MOUSE": 2, "KEYBOARD": 1}, order_id="hand-1", customer_id="c-1")
    assert detail["data"]["order"]["total"] == 2 * 2900 + 7900


def test_an_order_is_paid_as_asked():
    detail = order_created({"MOUSE": 1}, order_id="a", customer_id="c", token="tok_declined")
    assert detail["data"]["payment_method"] == {"token": "tok_declined"}


def test_a_refusal_is_the_inventorys_own_event():
    """But for its moment: whoever gets both takes them for one event sent twice."""
    paid = example("PaymentProcessed", "succeeded")
    inventory = {"status": "OUT_OF_STOCK", "missing_skus": ["MOUSE"]}
    wanted = next_event(
        paid, "InventoryUpdated", "out-of-stock", {"inventory": inventory}, at=MOMENT
    )
    made = out_of_stock(paid.detail, "MOUSE")
    contract.validate(Event("InventoryUpdated", made))
    made["metadata"]["occurred_at"] = MOMENT
    assert made == wanted.detail


def test_a_refusal_may_be_made_of_the_refund_that_followed():
    """On the finished system the payment's row holds the refund already."""
    made = out_of_stock(example("PaymentProcessed", "refunded").detail, "MOUSE")
    assert made["metadata"]["causation_id"] == "example-1/payment-succeeded"


def test_a_row_tells_why_it_was_declined():
    outcome = example("PaymentProcessed", "declined").to_json()
    assert decided({"status": "DECLINED", "outcome": outcome})["reason"] == "insufficient funds"


def test_a_row_without_an_outcome_tells_nothing():
    assert decided({"status": "PENDING", "attempts": 3}) == {}
