"""What the reconciler decides: the stalled orders, and when it re-publishes each."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery.reconcile.service import Outcome, Plan, Result, due, reconcile
from recovery.reconcile.store import DynamoOpenOrders, OpenOrder, OrderNow

from orderflow.clock import from_timestamp, to_timestamp
from orderflow.dynamodb import to_wire
from orderflow.errors import AwsRequestError, InvalidEventError
from orderflow.event import Event
from orderflow.publisher import Publisher
from tests.fixtures.events import NOW as NOW_TEXT
from tests.fixtures.events import example

NOW = from_timestamp(NOW_TEXT)
MANUAL = Plan(older_than=0, limit=50)
SCHEDULED = Plan(older_than=900, limit=50, window=600)


def created(order_id, age=3600):
    """Return the `OrderCreated` of an order placed so many seconds ago."""
    event = example("OrderCreated", order_id=order_id)
    event.order["placed_at"] = to_timestamp(NOW - timedelta(seconds=age))
    return event


@dataclass
class InMemoryOpenOrders:
    """The port `OpenOrders` without a table."""

    rows: dict[str, dict] = field(default_factory=dict)

    def placed_until(self, moment):
        rows = sorted(self.rows.values(), key=lambda row: row["placed_at"])
        for row in rows:
            if row.get("open") and row["placed_at"] <= moment:
                yield OpenOrder(row["order_id"], row["placed_at"])

    def now(self, order_id):
        row = self.rows.get(order_id, {})
        if not row.get("open"):
            return OrderNow(is_open=False)
        text = row.get("created_event")
        try:
            event = Event.from_json("OrderCreated", text) if text else None
        except ValueError:
            raise InvalidEventError("what is stored as its OrderCreated is no event") from None
        return OrderNow(True, event, row["status"], row["placed_at"])


class Table:
    """Open orders, and ways to place them."""

    def __init__(self, orders, put):
        self.orders, self._put = orders, put

    def place(self, order_id="order-1", age=3600, **changes):
        event = created(order_id, age)
        row = {
            "order_id": order_id,
            "placed_at": event.order["placed_at"],
            "status": "CREATED",
            "open": "OPEN",
            "created_event": event.to_json(),
            **changes,
        }
        self._put({name: value for name, value in row.items() if value is not None})


@pytest.fixture(params=["memory", "dynamodb"])
def table(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        orders = InMemoryOpenOrders()
        return Table(orders, lambda row: orders.rows.update({row["order_id"]: row}))
    name = request.getfixturevalue("make_table")("orders")
    dynamodb = request.getfixturevalue("dynamodb")
    store = DynamoOpenOrders(dynamodb, name)
    return Table(store, lambda row: dynamodb.put_item(TableName=name, Item=to_wire(row)))


@pytest.fixture
def publisher(bus):
    return Publisher(bus, "bus", sleep=lambda _: None)


def run(table, publisher, plan=MANUAL, **options):
    """A run that leaves nothing to chance: the oldest go first."""
    options.setdefault("shuffle", lambda _: None)
    return list(reconcile(table.orders, publisher, plan, now=NOW, **options))


def by_order(outcomes):
    return {outcome.order_id: outcome.result.value for outcome in outcomes}


def test_a_stalled_order_is_republished_as_it_was(table, publisher, bus):
    """The very event its row keeps: every step recognises it."""
    table.place("order-1", status="PAID")
    (outcome,) = run(table, publisher)
    placed_at = created("order-1").order["placed_at"]
    assert outcome == Outcome("order-1", Result.REPUBLISHED, status="PAID", placed_at=placed_at)
    (entry,) = bus.entries
    assert entry["Detail"] == created("order-1").to_json()
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.order", "OrderCreated")


def test_the_oldest_goes_first_up_to_the_limit(table, publisher, bus):
    """What the limit cuts off is left over, and reported."""
    for age, order_id in ((60, "c"), (7200, "a"), (3600, "b")):
        table.place(order_id, age)
    outcomes = run(table, publisher, Plan(older_than=0, limit=2))
    assert by_order(outcomes) == {"a": "republished", "b": "republished", "c": "left_over"}
    assert [outcome.order_id for outcome in outcomes] == ["a", "b", "c"]
    ages = {"a": 7200, "b": 3600, "c": 60}
    for outcome in outcomes:
        order = created(outcome.order_id, ages[outcome.order_id]).order
        assert outcome.placed_at == order["placed_at"]
    assert len(bus.entries) == 2


def test_what_nothing_heals_does_not_keep_its_place(table, publisher, bus):
    """More of them than a run re-publishes, and older: the others get their turn all the same."""
    for n in range(6):
        table.place(f"hopeless-{n}", 7200)
    table.place("hopeful", 3600)
    chance = random.Random(1)
    republished = set()
    for _ in range(20):
        outcomes = run(table, publisher, Plan(older_than=0, limit=3), shuffle=chance.shuffle)
        republished |= {each.order_id for each in outcomes if each.result is Result.REPUBLISHED}
    assert "hopeful" in republished


def test_younger_orders_and_ended_ones_are_left_alone(table, publisher, bus):
    """An order that has ended left the index; one that is younger than the limit is under way."""
    table.place("young", 899)
    table.place("old", 900)
    table.place("ended", 9000, open=None)
    assert by_order(run(table, publisher, Plan(older_than=900, limit=9))) == {"old": "republished"}


def test_by_schedule_only_those_whose_age_has_doubled(table, publisher):
    """15 minutes old, then 30, then 60; between the turns it waits."""
    ages = {"a": 900, "b": 1499, "c": 1500, "d": 1800, "e": 2399, "f": 2400, "g": 3600}
    for order_id, age in ages.items():
        table.place(order_id, age)
    found = by_order(run(table, publisher, SCHEDULED))
    assert {o for o, result in found.items() if result == "republished"} == {*"abdeg"}
    assert {o for o, result in found.items() if result == "not_due"} == {*"cf"}


@pytest.mark.parametrize("by_name", [False, True])
def test_an_order_without_its_event_is_named(table, publisher, bus, by_name):
    """Its later event was put manually: there is nothing to re-publish it with."""
    table.place("order-1", status="PAID", created_event=None)
    placed_at = created("order-1").order["placed_at"]
    expected = Outcome("order-1", Result.WITHOUT_EVENT, status="PAID", placed_at=placed_at)
    plan = Plan(older_than=0, limit=50, order_id="order-1" if by_name else None)
    assert run(table, publisher, plan) == [expected]
    assert bus.entries == []


def test_named_order_is_republished_alone_whatever_its_age(table, publisher, bus):
    """It is reported with the time at which it was placed, as the others are."""
    table.place("young", 60)
    table.place("old", 3600)
    plan = Plan(older_than=900, limit=50, order_id="young")
    placed_at = created("young", 60).order["placed_at"]
    expected = Outcome("young", Result.REPUBLISHED, status="CREATED", placed_at=placed_at)
    assert run(table, publisher, plan) == [expected]
    assert [entry["Detail"] for entry in bus.entries] == [created("young", 60).to_json()]


def test_an_order_that_ended_meanwhile_is_not_republished(publisher, bus):
    """The index lists it a moment longer: the row itself decides."""
    table = Table(InMemoryOpenOrders(), None)
    table.orders.placed_until = lambda _: [OpenOrder("order-1", "2026-01-01T00:00:00.000Z")]
    assert by_order(run(table, publisher)) == {"order-1": "ended"}
    assert bus.entries == []


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("no JSON", "is no event"),
        ("[1]", "schema_version is missing"),
        ("null", "schema_version is missing"),
        ("{}", "schema_version is missing"),
        (created("another").to_json(), "another order's"),
    ],
)
def test_an_event_that_breaks_the_contract_stops_no_other(table, publisher, bus, stored, reason):
    """It failed, with why; the next one is re-published."""
    table.place("broken", 7200, created_event=stored)
    table.place("whole", 3600)
    outcomes = run(table, publisher)
    assert by_order(outcomes) == {"broken": "failed", "whole": "republished"}
    assert "InvalidEventError" in outcomes[0].reason
    assert reason in outcomes[0].reason
    assert len(bus.entries) == 1


@pytest.mark.parametrize("placed_at", ["2026-01-14", "2025-02-30T10:00:00.000Z", "2026-01-01T25"])
def test_a_broken_date_is_reported_once_a_day(table, publisher, placed_at):
    """It stops no other, and not every run repeats it: only those that begin the day."""
    table.place("broken", placed_at=placed_at)
    table.place("whole", 900)
    assert by_order(run(table, publisher, SCHEDULED)) == {
        "broken": "not_due",
        "whole": "republished",
    }
    midnight = NOW.replace(hour=0, minute=0)
    runs = [midnight + timedelta(minutes=5 * n) for n in range(24 * 12)]
    outcomes = [
        each
        for now in runs
        for each in reconcile(table.orders, publisher, SCHEDULED, now=now)
        if each.order_id == "broken"
    ]
    failed = [each for each in outcomes if each.result is Result.FAILED]
    assert len(failed) == 2
    for each in failed:
        assert "placed_at" in each.reason
        assert each.transient is False


@pytest.mark.parametrize("window", [90, 0.5])
def test_the_day_begins_at_midnight_exactly(table, publisher, window):
    """A window that is no whole number of minutes, or of seconds, ends when it is over."""
    table.place(placed_at="2026-01-14")
    plan = Plan(older_than=900, limit=50, window=window)
    midnight = NOW.replace(hour=0, minute=0)
    for seconds, expected in ((window - 0.1, "failed"), (window + 0.1, "not_due")):
        now = midnight + timedelta(seconds=seconds)
        outcomes = reconcile(table.orders, publisher, plan, now=now)
        assert by_order(outcomes) == {"order-1": expected}


@pytest.mark.parametrize("stored", [{"a": 1}, [1], 5, {b"x"}, b"[", "1" * 5000, "[" * 100_000])
def test_a_row_of_any_type_stops_no_other(table, publisher, stored):
    table.place("broken", 7200, created_event=stored)
    table.place("whole", 3600)
    assert by_order(run(table, publisher)) == {"broken": "failed", "whole": "republished"}


def test_unexpected_error_is_reported_by_its_type_alone(table, publisher, bus):
    """Its text might quote what it failed on."""
    bus.crash = KeyError("ada@example.org")
    table.place()
    (outcome,) = run(table, publisher)
    assert (outcome.result, outcome.reason, outcome.transient) == (Result.FAILED, "KeyError", False)


def test_a_bus_that_refuses_one_stops_no_other(table, publisher, bus):
    """The reason is the bus's code."""
    bus.refusals = 3
    table.place("a", 7200)
    table.place("b", 3600)
    outcomes = run(table, publisher)
    assert by_order(outcomes) == {"a": "failed", "b": "republished"}
    assert "ThrottlingException" in outcomes[0].reason
    assert outcomes[0].transient is True


def test_what_failed_takes_nobodys_place(table, publisher, bus):
    """The limit counts publications: a broken row at the head does not block the queue."""
    table.place("a", 7200, created_event="no JSON")
    table.place("b", 3600)
    outcomes = by_order(run(table, publisher, Plan(older_than=0, limit=1)))
    assert outcomes == {"a": "failed", "b": "republished"}


def test_when_time_is_over_the_rest_is_left_over(table, publisher, bus):
    """Counted, not re-published."""
    for n in range(5):
        table.place(f"order-{n}")
    counts = Counter(
        outcome.result for outcome in run(table, publisher, until=lambda: len(bus.entries) == 2)
    )
    assert counts == {Result.REPUBLISHED: 2, Result.LEFT_OVER: 3}


def test_all_pages_are_read(make_table, dynamodb, publisher):
    """More orders than one answer of DynamoDB holds."""

    class Pages:
        """Passes on to DynamoDB, three items at a time."""

        queries = 0
        get_item = dynamodb.get_item

        def query(self, **parameters):
            self.queries += 1
            return dynamodb.query(**parameters, Limit=3)

    pages, name = Pages(), make_table("orders")
    table = Table(
        DynamoOpenOrders(pages, name),
        lambda row: dynamodb.put_item(TableName=name, Item=to_wire(row)),
    )
    for n in range(8):
        table.place(f"order-{n}", 1000 + n)
    found = by_order(run(table, publisher))
    assert list(found) == [f"order-{n}" for n in reversed(range(8))]
    assert pages.queries == 3


def test_nothing_personal_is_read_but_the_event(table, publisher):
    """Contact and address stay in the table: the store asks for four attributes."""
    table.place("order-1", contact={"email": "ada@example.org"})
    event = created("order-1")
    expected = OrderNow(True, event, "CREATED", event.order["placed_at"])
    assert table.orders.now("order-1") == expected
    assert table.orders.now("nobody") == OrderNow(is_open=False)


def test_the_row_is_read_as_it_is_now():
    """A read that may be late would be no better than the index."""

    class Asked:
        def get_item(self, **parameters):
            assert parameters["ConsistentRead"] is True
            return {}

    assert DynamoOpenOrders(Asked(), "orders").now("order-1") == OrderNow(is_open=False)


def test_a_table_that_cannot_be_read_fails_the_run(dynamodb, publisher):
    """Nobody may take silence for health."""
    orders = DynamoOpenOrders(dynamodb, "missing")
    with pytest.raises(AwsRequestError, match="Query"):
        list(reconcile(orders, publisher, MANUAL, now=NOW))


def test_a_row_that_cannot_be_read_stops_no_other(publisher):
    """A throttled read is reported as the order's failure."""

    class Throttled(InMemoryOpenOrders):
        def now(self, order_id):
            if order_id == "a":
                raise AwsRequestError("GetItem: ThrottlingException")
            return super().now(order_id)

    orders = Throttled()
    table = Table(orders, lambda row: orders.rows.update({row["order_id"]: row}))
    table.place("a", 7200)
    table.place("b", 3600)
    assert by_order(run(table, publisher)) == {"a": "failed", "b": "republished"}


FIRST = st.integers(min_value=1, max_value=100_000)


@settings(deadline=None)
@given(first=FIRST, every=FIRST, turn=st.integers(0, 12), data=st.data())
def test_each_doubling_is_met_by_two_runs(first, every, turn, data):
    """However the runs fall, two meet each turn: one may be lost."""
    begins = first * 2**turn
    offset = data.draw(st.integers(0, every - 1))
    runs = range(begins - 5 * every + offset, begins + 5 * every, every)
    met = [age for age in runs if due(age, first, 2 * every) and begins <= age < begins + 2 * every]
    assert len(met) == 2


@settings(deadline=None)
@given(first=FIRST, window=FIRST, age=st.floats(0, 10**9))
def test_a_turn_is_over_after_its_window(first, window, age):
    """An order is due exactly within a window that begins at a doubling of the first age."""
    turns = [first * 2**n for n in range(31)]
    within = any(turn <= age < turn + window for turn in turns if turn <= age < 2 * turn)
    assert due(age, first, window) == within


def test_a_failing_order_is_republished_twenty_times_in_two_weeks():
    """Not 4,000 times, as each run would: a dead-letter queue is not filled by it."""
    runs = [n * 300 for n in range(14 * 24 * 12)]
    assert sum(due(age, 900, 600) for age in runs) == 22
