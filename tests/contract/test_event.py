"""An event in memory: its parts, its text, and what names it."""

import json

import pytest

from orderflow.event import Event, first_event, next_event
from tests.fixtures.events import NOW, example

ORDER = {"order_id": "order-1", "placed_at": "2026-01-15T09:30:00.000Z"}


@pytest.fixture
def created():
    return first_event("OrderCreated", "order-created", ORDER, {"payment_method": {"token": "t"}})


def test_first_event_has_no_cause_and_the_time_of_the_order(created):
    assert created.type == "OrderCreated"
    assert created.detail == {
        "metadata": {
            "event_id": "order-1/order-created",
            "correlation_id": "order-1",
            "causation_id": None,
            "schema_version": 1,
            "occurred_at": "2026-01-15T09:30:00.000Z",
        },
        "data": {"order": ORDER, "payment_method": {"token": "t"}},
    }


@pytest.mark.parametrize(("chosen", "version"), [({}, 1), ({"version": 2}, 2)])
def test_next_event_keeps_the_order_and_names_its_cause(created, chosen, version):
    event = next_event(created, "Paid", "paid", {"payment": {"amount": 1}}, at=NOW, **chosen)
    assert event.type == "Paid"
    assert event.detail == {
        "metadata": {
            "event_id": "order-1/paid",
            "correlation_id": "order-1",
            "causation_id": "order-1/order-created",
            "schema_version": version,
            "occurred_at": NOW,
        },
        "data": {"order": ORDER, "payment": {"amount": 1}},
    }


def test_step_is_what_follows_the_last_slash(created):
    event = next_event(created, "Paid", "paid", {}, at=NOW)
    event.detail["metadata"]["event_id"] = "a/b/paid"
    assert event.step == "paid"


def test_text_of_an_event_is_compact_and_the_same_for_any_order_of_keys():
    """What a table stores is compared byte by byte with what was published."""
    event = example("PaymentProcessed", "succeeded")
    backwards = Event(event.type, dict(reversed(event.detail.items())))
    text = event.to_json()
    assert text == backwards.to_json() == json.dumps(json.loads(text), separators=(",", ":"))
    assert text.startswith('{"data":{"order":{"currency":')
