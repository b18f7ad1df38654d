"""The reconciler function: its schedule, a manual run, and its report."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from recovery.reconcile.app import RESERVE_MS, NothingRepublishedError, build
from recovery.reconcile.settings import InvalidRequestError

from devtools.scaling import order
from orderflow.clock import from_timestamp, to_timestamp
from orderflow.dynamodb import to_wire
from orderflow.errors import SettingsError
from tests.fixtures.events import example

SETTINGS = {
    "STUCK_AFTER_SECONDS": "900",
    "RUN_EVERY_SECONDS": "300",
    "ORDERS_PER_RUN": "2",
}
MANUAL = {"older_than_seconds": 0}
MARKERS = ("Ada Example", "12 Analytical Row", "tok_approved", "ada@example.org")


@pytest.fixture
def app(environment, dynamodb, bus):
    return build(environment("orders", **SETTINGS), dynamodb=dynamodb, events=bus)


@pytest.fixture
def place(app, dynamodb):
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


@pytest.mark.parametrize(
    "event",
    [None, {"older_than": 0}, {"limit": 1}, "x", [], {"order_id": 5}, {"order_id": "x" * 3000}],
)
def test_what_is_neither_the_schedule_nor_a_request_is_refused(app, place, context, bus, event):
    """A slip must not look like "nothing is stalled"."""
    place("due", 1000)
    with pytest.raises(InvalidRequestError):
        app.reconcile(event, context)
    assert bus.entries == []


def test_a_manual_run_takes_one_order_of_any_age(app, place, context, bus):
    """No other is re-published with it; one that has ended, or that nobody knows, is not."""
    place("this", 1)
    place("that", 5000)
    place("ended", 5000, open=None)
    assert app.reconcile({"order_id": "this"}, context)["republished"] == 1
    assert app.reconcile({"order_id": "ended"}, context)["stuck"] == 0
    assert app.reconcile({"order_id": "unknown"}, context)["stuck"] == 0
    (entry,) = bus.entries
    assert json.loads(entry["Detail"])["metadata"]["correlation_id"] == "this"


def test_by_schedule_the_age_decides(app, place, context, bus):
    """Of three, one is due."""
    place("young", 60)
    place("due", 1000)
    place("waiting", 1600)
    assert app.reconcile({}, context) == {
        "stuck": 2,
        "republished": 1,
        "left_over": 0,
        "without_event": 0,
        "failed": 0,
    }
    assert [json.loads(entry["Detail"])["metadata"]["correlation_id"] for entry in bus.entries] == [
        "due"
    ]


def test_a_manual_run_takes_all_that_are_older(app, place, context, bus):
    """Up to the limit that is given, else to the schedule's."""
    for n in range(4):
        place(f"order-{n}", 60 + n)
    report = app.reconcile(MANUAL, context)
    listed = report.pop("orders")
    assert len(listed) == 4
    assert {(each["status"], each["result"]) for each in listed} == {
        ("CREATED", "republished"),
        ("", "left_over"),
    }
    assert all(from_timestamp(each["placed_at"]) for each in listed)
    assert report == {
        "stuck": 4,
        "republished": 2,
        "left_over": 2,
        "without_event": 0,
        "failed": 0,
    }
    place("older", 1600, created_event=None)
    report = app.reconcile(MANUAL | {"limit": 50}, context)
    assert (report["republished"], report["without_event"]) == (4, 1)
    names = {"older", *(f"order-{n}" for n in range(4))}
    assert {each["order_id"] for each in report["orders"]} == names


def test_report_lists_a_limited_number_of_orders(app, place, context, bus, monkeypatch):
    """An answer of Lambda has at most 6 MB."""
    monkeypatch.setattr("recovery.reconcile.app.LISTED", 2)
    for n in range(3):
        place(f"order-{n}")
    report = app.reconcile(MANUAL | {"limit": 50}, context)
    assert (report["republished"], len(report["orders"])) == (3, 2)


def test_report_of_a_manual_run_ignores_ended_orders(app, place, context, bus):
    place("ended", open=None)
    assert app.reconcile({"order_id": "ended"}, context)["orders"] == []


def test_manual_run_ignores_orders_that_are_younger(app, place, context, bus):
    place("younger", 60)
    place("older", 1600)
    assert app.reconcile({"older_than_seconds": 600}, context)["stuck"] == 1


def test_it_stops_before_its_time_is_over(app, place, context, bus):
    """Half a minute before the end nothing more is re-published."""
    place("order-1")
    context.remaining_ms = RESERVE_MS - 1
    assert app.reconcile(MANUAL, context)["left_over"] == 1
    assert bus.entries == []


def test_a_failed_order_is_in_the_report(app, place, context):
    """Beside one that was re-published it is no failure of the run."""
    place("broken", 2000, created_event="no JSON")
    place("whole", 1000)
    report = app.reconcile(MANUAL, context)
    assert (report["republished"], report["failed"]) == (1, 1)


def test_a_run_that_republishes_nothing_fails(app, place, context, bus, written):
    """All of them failed: that is the bus, and the function's alarm must show it."""
    bus.refusals = 1000
    place("order-1")
    place("order-2")
    with pytest.raises(NothingRepublishedError, match="2 orders"):
        app.reconcile(MANUAL, context)
    measured = json.loads(written()[-1])
    assert (measured["stuck"], measured["failed"]) == ([2.0], [2.0])


def test_a_run_succeeds_when_only_broken_rows_are_left(app, place, context):
    """No next run can do better: the report names them, and the function does not fail."""
    place("broken", created_event="no JSON")
    assert app.reconcile(MANUAL, context)["failed"] == 1


def test_nothing_stuck_is_a_good_run(app, context, written):
    """Zeros are reported: a missing metric would look like a reconciler that does not run."""
    report = app.reconcile({}, context)
    assert set(report.values()) == {0}
    measured = json.loads(written()[-1])
    assert {measured[name][0] for name in report} == {0.0}


def test_orders_are_named_and_nobody_else(app, place, context, written):
    """Every order that was re-published, or could not be; nothing personal."""
    place("order-1")
    place("order-2", created_event=None)
    place("order-3", created_event="no JSON")
    app.reconcile(MANUAL, context)
    logged = written()
    assert not [marker for marker in MARKERS if marker in "".join(logged)]
    lines = [json.loads(line) for line in logged]
    lines_of_orders = {(line.get("correlation_id"), line.get("message")) for line in lines}
    assert lines_of_orders >= {
        ("order-1", "republished"),
        ("order-2", "not republished: without_event"),
        ("order-3", "not republished: failed"),
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
        (MANUAL | {"limit": 0}, "whole number from 1"),
        (MANUAL | {"limit": 1.5}, "whole number from 1"),
        (MANUAL | {"limit": None}, "whole number from 1"),
        (MANUAL | {"ada@example.org": 1}, "older_than_seconds and limit"),
    ],
)
def test_a_wrong_request_is_refused(app, context, bus, event, reason):
    """The field and the rule, never the value; nothing is re-published."""
    with pytest.raises(Exception, match=reason) as caught:
        app.reconcile(event, context)
    assert type(caught.value).__name__ == "InvalidRequestError"
    assert "ada@example.org" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "²"])
def test_settings_that_make_no_sense_are_refused(environment, dynamodb, bus, context, value):
    """By the variable's name."""
    settings = environment("orders", **SETTINGS | {"RUN_EVERY_SECONDS": value})
    app = build(settings, dynamodb=dynamodb, events=bus)
    with pytest.raises(SettingsError, match="RUN_EVERY_SECONDS"):
        app.reconcile({}, context)


def test_a_stuck_order_costs_the_documented_requests(app, place, dynamodb, context, bus):
    """One Query lists them; each is read and published again, as the model of costs says."""
    place("first")
    place("second")
    requests = Counter()
    dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: requests.update([model.name])
    )
    assert app.reconcile(MANUAL, context)["republished"] == 2
    requests["PutEvents"] = len(bus.entries)
    for_each = order.reconciler_requests()
    assert requests == Counter(["Query"]) + for_each + for_each
