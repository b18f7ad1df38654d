"""Stage 2 as a learner can see it: an order is charged, once, in every way it can end."""

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example
from workshop.journeys import logs, order_rows

pytestmark = pytest.mark.deployed


@pytest.mark.parametrize(
    ("token", "statuses"),
    [
        ("tok_approved", {"SUCCEEDED", "REFUNDED"}),
        ("tok_slow", {"SUCCEEDED", "REFUNDED"}),
        ("tok_declined", {"DECLINED"}),
        ("tok_insufficient_funds", {"DECLINED"}),
    ],
)
def test_a_payment_ends_as_its_token_says(order, rows_of, token, statuses):
    """Each payment token leads to its own ending in the Payments table."""
    order_id = order(token=token)
    eventually(lambda: _payment(rows_of, order_id) in statuses)


def test_an_order_goes_as_far_as_the_stage(order, final_status, expected_status):
    """Paid, and with nobody to reserve it, an order stays PAID; later stages take it further."""
    assert final_status(order()) == expected_status("PAID")


def test_a_declined_order_is_over(order, final_status):
    """A declined payment ends the order."""
    assert final_status(order(token="tok_declined")) == "PAYMENT_DECLINED"


def test_a_gateway_that_recovers_charges_once(stack, order, rows_of):
    """The gateway fails twice; Lambda tries a third time, and the payment succeeds."""
    order_id = order(token="tok_unavailable_twice")
    eventually(lambda: _payment(rows_of, order_id) not in (None, "PENDING"))
    assert rows_of(order_id)["payments"]["attempts"] >= 3
    failures = [hop for hop in logs.hops(stack, order_id) if hop.what == "failed"]
    assert {hop.function for hop in failures} == {"payment"}


def test_a_gateway_that_stays_down_leaves_the_intent(stack, order, rows_of, delete_after_test):
    """Every try fails: the row says that a charge was under way, and nothing was decided."""
    order_id = delete_after_test(order(token="tok_unavailable"))
    eventually(lambda: sum(hop.what == "failed" for hop in logs.hops(stack, order_id)) >= 3)
    assert _payment(rows_of, order_id) == "PENDING"
    assert order_rows.status(stack, order_id) == "CREATED"


def test_an_event_put_manually_is_charged(put_event, rows_of):
    """An OrderCreated that nobody placed is charged, and gets its row in Orders."""
    order_id = new_id("manual")
    put_event(example("OrderCreated", order_id=order_id))
    eventually(lambda: _payment(rows_of, order_id) not in (None, "PENDING"))
    eventually(lambda: "orders" in rows_of(order_id))


def test_an_order_published_twice_is_charged_once(stack, put_event, rows_of):
    """The second OrderCreated publishes the stored outcome again."""
    order_id = new_id("twice")
    event = example("OrderCreated", order_id=order_id)
    put_event(event)
    eventually(lambda: _payment(rows_of, order_id) not in (None, "PENDING"))
    put_event(event)
    eventually(lambda: any(hop.what == "published again" for hop in logs.hops(stack, order_id)))
    assert rows_of(order_id)["payments"]["status"] in ("SUCCEEDED", "REFUNDED")


def _payment(rows_of, order_id):
    return rows_of(order_id).get("payments", {}).get("status")
