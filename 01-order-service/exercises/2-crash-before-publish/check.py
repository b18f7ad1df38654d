"""What must hold at the end of exercise 01.2."""

import json

import pytest

from tests.fixtures.events import order_request


@pytest.fixture
def place(load_handler, context):
    """Place an order with a key; returns the answer's status code."""
    handler = load_handler("order_service", "orders")

    def post(key):
        request = {
            "version": "2.0",
            "routeKey": "POST /orders",
            "headers": {"Idempotency-Key": key},
            "body": json.dumps(order_request()),
            "isBase64Encoded": False,
        }
        return handler.api(request, context)["statusCode"]

    return post


def test_a_second_try_announces_what_the_first_could_not(place, bus, rows):
    """An order whose first try died before its publish is announced by the second"""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        place("lost")
    bus.crash = None
    status = place("lost")
    assert len(rows("orders")) == 1
    assert len(bus.entries) >= 1, (
        f"The order stands in the table, the customer got a {status}, and nobody will ever hear "
        "of it: there is no event on the bus."
    )


def test_the_event_that_is_sent_again_is_the_same_one(place, bus):
    """Consumers can tell that an event was sent before"""
    place("twice")
    place("twice")
    ids = {json.loads(each["Detail"])["metadata"]["event_id"] for each in bus.entries}
    assert len(ids) == 1, f"One order was announced under several names: {', '.join(ids)}."


def test_another_key_is_another_order(place, bus, rows):
    """Two orders are two orders"""
    place("one")
    place("two")
    told = f"Two orders were placed, {len(rows('orders'))} stand in the table."
    assert len(rows("orders")) == 2, told
    assert len(bus.entries) == 2, f"Two orders were placed, {len(bus.entries)} announced."
