"""The checks of exercise 01.1."""

import json
from contextlib import suppress

import pytest
from order_service.app import build

from tests.fixtures.events import order_request


@pytest.fixture
def place(environment, dynamodb, bus, context):
    """Place an order with a key and changes to it; return the response's status code."""
    app = build(environment("orders"), dynamodb=dynamodb, events=bus)

    def post(key, **changes):
        request = {
            "version": "2.0",
            "routeKey": "POST /orders",
            "headers": {"Idempotency-Key": key},
            "body": json.dumps(order_request(**changes)),
            "isBase64Encoded": False,
        }
        return app.api(request, context)["statusCode"]

    return post


def test_a_second_try_publishes_what_the_first_try_could_not(place, bus, rows):
    """The second try publishes the event that the first try could not publish"""
    bus.crash = SystemExit("killed")
    with suppress(SystemExit):
        place("lost")
    bus.crash = None
    status = place("lost")
    assert len(rows("orders")) == 1
    assert len(bus.entries) >= 1, (
        f"The order is in the table and the customer got a {status}, but there is no event on the "
        "bus: no service will ever process it."
    )


def test_the_event_that_is_published_again_is_the_same(place, bus):
    """The event that is published again is the same event"""
    place("twice")
    place("twice")
    assert len({each["Detail"] for each in bus.entries}) == 1, (
        "One order was published as two different events, and nobody knows which one is right. "
        "Publish the stored event."
    )


def test_the_event_of_a_refused_order_is_not_published(place, bus):
    """A key that belongs to another order is refused, and nothing is published"""
    place("taken")
    before = len(bus.entries)
    assert place("taken", currency="USD") == 409, "Two different orders were treated as one."
    assert len(bus.entries) == before, (
        "The order was refused, but its event was published: it will be paid and shipped."
    )


def test_another_key_is_another_order(place, bus, rows):
    """Two keys give two orders"""
    place("one")
    place("two")
    found = len(rows("orders"))
    assert found == 2, f"Two orders were placed, but there are {found} in the table."
    assert len(bus.entries) == 2, (
        f"Two orders were placed, but {len(bus.entries)} events were published."
    )
