"""The reconciler function: its schedule, a run by hand, and what it tells."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from recovery.reconcile.settings import InvalidRequestError

from devtools.scaling import order
from orderflow.clock import to_timestamp
from orderflow.dynamodb import to_wire
from orderflow.errors import SettingsError
from tests.fixtures.events import example

SETTINGS = {
    "STUCK_AFTER_SECONDS": "900",
    "RUN_EVERY_SECONDS": "300",
    "ORDERS_PER_RUN": "2",
}
BY_HAND = {"older_than_seconds": 0}
MARKERS = ("Ada Example", "12 Analytical Row", "tok_approved", "ada@example.org")


@pytest.fixture
def handler(load_handler):
    return load_handler("recovery.reconcile", "orders", **SETTINGS)


@pytest.fixture
def place(handler, dynamodb):
    """Put an open order into the table, placed so many seconds ago."""

    def put(order_id, age=1000, **changes):
        event = example("OrderCreated", order_id=order_id)
        placed_at = to_timestamp(datetime.now(UTC) - timedelta(seconds=age))
        row = {
            "order_id": order_id,
            "placed_at": placed_at,
            "status": "CREATED",
            "open": "OPEN",
            "created_event": event.to_json(),
            "contact": {"email": "ada@example.org"},
            **changes,
        }
        dynamodb.put_item(TableName="orderflow-orders", Item=to_wire(row))

    return put


@pytest.mark.parametrize("event", [None, {"older_than": 0}, {"limit": 1}, "x", [], {"order_id": 5}])
def test_what_is_neither_the_schedule_nor_a_request_is_refused(handler, place, context, bus, event):
    """A slip must not look like "nothing stands still"."""
    place("due", 1000)
    with pytest.raises(InvalidRequestError):
        handler.reconcile(event, context)
    assert bus.entries == []


def test_one_order_by_hand_whatever_its_age(handler, place, context, bus):
    """No other is announced with it; one that has ended, or that nobody knows, is not."""
    place("this", 1)
    place("that", 5000)
    place("ended", 5000, open=None)
    assert handler.reconcile({"order_id": "this"}, context)["announced"] == 1
    assert handler.reconcile({"order_id": "ended"}, context)["stuck"] == 0
    assert handler.reconcile({"order_id": "unknown"}, context)["stuck"] == 0
    (entry,) = bus.entries
    assert json.loads(entry["Detail"])["metadata"]["correlation_id"] == "this"


def test_by_schedule_the_age_decides(handler, place, context, bus):
    """Of three, one is due."""
    place("young", 60)
    place("due", 1000)
    place("waiting", 1600)
    assert handler.reconcile({}, context) == {
        "stuck": 2,
        "announced": 1,
        "left_over": 0,
        "without_event": 0,
        "failed": 0,
    }
    assert [json.loads(entry["Detail"])["metadata"]["correlation_id"] for entry in bus.entries] == [
        "due"
    ]


def test_by_hand_all_that_are_older(handler, place, context, bus):
    """Up to the limit that is given, else to the schedule's."""
    for n in range(4):
        place(f"order-{n}", 60 + n)
    report = handler.reconcile(BY_HAND, context)
    assert report == {
        "stuck": 4,
        "announced": 2,
        "left_over": 2,
        "without_event": 0,
        "failed": 0,
    }
    place("older", 1600, created_event=None)
    report = handler.reconcile(BY_HAND | {"limit": 50}, context)
    assert (report["announced"], report["without_event"]) == (4, 1)
    assert handler.reconcile({"older_than_seconds": 600}, context)["stuck"] == 1


def test_it_stops_before_its_time_is_over(handler, place, context, bus):
    """Half a minute before the end nothing more is announced."""
    place("order-1")
    context.remaining_ms = handler.RESERVE_MS - 1
    assert handler.reconcile(BY_HAND, context)["left_over"] == 1
    assert bus.entries == []


def test_one_that_fails_is_told_in_the_answer(handler, place, context):
    """Beside one that was announced it is no failure of the run."""
    place("broken", 2000, created_event="no JSON")
    place("whole", 1000)
    report = handler.reconcile(BY_HAND, context)
    assert (report["announced"], report["failed"]) == (1, 1)


def test_a_run_that_announces_nothing_fails(handler, place, context, bus, written):
    """All of them failed: that is the bus, and the function's alarm must show it."""
    bus.refusals = 1000
    place("order-1")
    place("order-2")
    with pytest.raises(handler.NothingAnnouncedError, match="2 orders"):
        handler.reconcile(BY_HAND, context)
    measured = json.loads(written()[-1])
    assert (measured["stuck"], measured["failed"]) == ([2.0], [2.0])


def test_nothing_stuck_is_a_good_run(handler, context, written):
    """Zeros are told: a metric that is missing would look like a reconciler that does not run."""
    report = handler.reconcile({}, context)
    assert set(report.values()) == {0}
    measured = json.loads(written()[-1])
    assert {measured[name][0] for name in report} == {0.0}


def test_orders_are_named_and_nobody_else(handler, place, context, written):
    """Every order that was announced, or could not be; nothing personal."""
    place("order-1")
    place("order-2", created_event=None)
    place("order-3", created_event="no JSON")
    handler.reconcile(BY_HAND, context)
    logged = written()
    assert not [marker for marker in MARKERS if marker in "".join(logged)]
    lines = [json.loads(line) for line in logged]
    told = {(line.get("correlation_id"), line.get("message")) for line in lines}
    assert told >= {
        ("order-1", "announced"),
        ("order-2", "not announced: without_event"),
        ("order-3", "not announced: failed"),
    }
    (failed,) = [line for line in lines if line.get("correlation_id") == "order-3"]
    assert failed["reason"] == "InvalidEventError: what is stored as its OrderCreated is no event"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"older_than_seconds": "ada@example.org"}, "number from 0"),
        ({"older_than_seconds": True}, "number from 0"),
        ({"older_than_seconds": -1}, "number from 0"),
        ({"older_than_seconds": float("inf")}, "number from 0"),
        ({"older_than_seconds": None}, "number from 0"),
        (BY_HAND | {"limit": 0}, "whole number from 1"),
        (BY_HAND | {"limit": 1.5}, "whole number from 1"),
        (BY_HAND | {"limit": None}, "whole number from 1"),
        (BY_HAND | {"ada@example.org": 1}, "older_than_seconds and limit"),
    ],
)
def test_a_wrong_request_is_refused(handler, context, bus, event, reason):
    """The field and the rule, never the value; nothing is announced."""
    with pytest.raises(Exception, match=reason) as caught:
        handler.reconcile(event, context)
    assert type(caught.value).__name__ == "InvalidRequestError"
    assert "ada@example.org" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "²"])
def test_settings_that_make_no_sense_are_told(load_handler, context, value):
    """By the variable's name."""
    handler = load_handler(
        "recovery.reconcile", "orders", **SETTINGS | {"RUN_EVERY_SECONDS": value}
    )
    with pytest.raises(SettingsError, match="RUN_EVERY_SECONDS"):
        handler.reconcile({}, context)


def test_a_stuck_order_costs_the_documented_requests(handler, place, context, bus):
    """One Query lists them; each is read and published again, as the model of costs says."""
    place("first")
    place("second")
    requests = Counter()
    handler.orders._dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: requests.update([model.name])
    )
    assert handler.reconcile(BY_HAND, context)["announced"] == 2
    requests["PutEvents"] = len(bus.entries)
    for_each = order.reconciler_requests()
    assert requests == Counter(["Query"]) + for_each + for_each
