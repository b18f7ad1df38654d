"""What must hold at the end of exercise 01.2."""

import json
from contextlib import suppress

import pytest

from tests.fixtures.events import order_request


@pytest.fixture
def place(load_handler, context):
    """Place an order with a key, and changes to it; returns the answer's status code."""
    handler = load_handler("order_service", "orders")

    def post(key, **changes):
        request = {
            "version": "2.0",
            "routeKey": "POST /orders",
            "headers": {"Idempotency-Key": key},
            "body": json.dumps(order_request(**changes)),
            "isBase64Encoded": False,
        }
        return handler.api(request, context)["statusCode"]

    return post


def test_a_second_try_announces_what_the_first_could_not(place, bus, rows):
    """An order whose first try died before its publish is announced by the second"""
    bus.crash = SystemExit("killed")
    with suppress(SystemExit):
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
    assert len({each["Detail"] for each in bus.entries}) == 1, (
        "One order was announced in two versions that differ, and nobody knows which one holds. "
        "What was stored is what goes out."
    )


def test_an_order_that_is_turned_down_is_not_announced(place, bus):
    """A key that belongs to another order is refused, and nobody hears of it"""
    place("taken")
    before = len(bus.entries)
    assert place("taken", currency="USD") == 409, "Two different orders were taken as one."
    assert len(bus.entries) == before, (
        "The customer was told no, and yet the order was announced: it will be paid and shipped."
    )


def test_another_key_is_another_order(place, bus, rows):
    """Two orders are two orders"""
    place("one")
    place("two")
    told = f"Two orders were placed, {len(rows('orders'))} stand in the table."
    assert len(rows("orders")) == 2, told
    assert len(bus.entries) == 2, f"Two orders were placed, {len(bus.entries)} announced."
