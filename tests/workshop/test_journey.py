"""Following an order: to its end, to a dead end, and what of it is shown."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain, repeat

import pytest
from rich.console import Console

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.orders import journey, journey_view
from workshop.orders.journey import DeadEndError, Hop

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = dict.fromkeys(journey.KEYS, "a table")


def hop(what, step, function="inventory", at=0.0):
    return Hop(START + timedelta(seconds=at), function, what, step)


PUBLISHED = hop("published", "order-created", "order-api")
TRACKED = hop("tracked", "order-created (no change)", "order-tracker", at=0.1)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 100.0
        self.start = self.now

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    @property
    def passed(self):
        return self.now - self.start


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(journey, "time", made)
    return made


@pytest.fixture
def follow(monkeypatch, clock):
    """Follow an order on a stack that shows what a test says, look by look."""

    def run(statuses, looks, *, idle, tables=TABLES):
        outputs = Outputs("", "bus", "us-east-1", {}, tables, {})
        stack = Stack(Target.local("default", "http://127.0.0.1:9"), 4, outputs)
        at, seen = _then_the_last(statuses), _then_the_last(looks)
        monkeypatch.setattr(journey, "_idle", lambda _: idle)
        monkeypatch.setattr(journey, "status", lambda *_: next(at))
        monkeypatch.setattr(journey, "hops", lambda *_: next(seen))
        return [each for each in journey.follow(stack, "ord_1", seconds=60) if each]

    return run


def _then_the_last(values):
    return chain(values, repeat(values[-1]))


def test_an_order_is_followed_to_its_end(follow, clock):
    ending = [PUBLISHED, TRACKED]
    assert follow([None, "CREATED", "REFUNDED"], [[], [PUBLISHED], ending], idle=False) == ending
    assert clock.passed < 2


def test_at_the_first_stage_the_trackers_hop_is_waited_for(follow):
    looks = [[PUBLISHED]] * 8 + [[PUBLISHED, TRACKED]]
    told = follow(["CREATED"], looks, idle=False, tables={"orders": "a table"})
    assert told == [PUBLISHED, TRACKED]


def test_a_tracker_that_never_comes_is_not_waited_for_long(follow, clock):
    assert follow(["REFUNDED"], [[PUBLISHED]], idle=False) == [PUBLISHED]
    assert journey.TRACKED_SECONDS < clock.passed < journey.TRACKED_SECONDS + 2


def test_a_dead_end_is_told_with_its_reason_at_once(follow, clock):
    failed = hop("failed", "UnknownSkuError: no stock item for MOUSE, WEBCAM")
    with pytest.raises(DeadEndError) as caught:
        follow(["PAID"], [[failed]], idle=True)
    assert clock.passed < 2
    assert caught.value.exit_code == 1
    told = str(caught.value)
    assert "stands still at PAID" in told
    assert "in inventory: UnknownSkuError: no stock item for MOUSE, WEBCAM." in told
    assert told.endswith('Put it on the shelf: make stock ARGS="MOUSE=10 WEBCAM=10"')


def test_a_lost_event_is_a_dead_end_without_a_failure(follow):
    with pytest.raises(DeadEndError, match="No failure was logged"):
        follow(["CREATED"], [[PUBLISHED]], idle=True)


def test_where_nobody_knows_what_is_under_way_the_deadline_ends_it(follow, clock):
    with pytest.raises(DeadEndError, match="still PAID after 60 s"):
        follow(["PAID"], [[PUBLISHED]], idle=False)
    assert 60 <= clock.passed < 62


@pytest.mark.parametrize(("idle", "longest"), [(True, 0), (False, 6)])
def test_an_unknown_order_is_waited_for_only_while_it_may_appear(follow, clock, idle, longest):
    with pytest.raises(WorkshopError, match="no order ord_1"):
        follow([None], [[]], idle=idle)
    assert clock.passed <= longest


def test_every_line_fits_a_narrow_terminal():
    far = "shipment-prepared → SHIPMENT_PREPARED"
    long = "GatewayUnavailableError: the gateway did not answer, and what it did nobody knows"
    hops = [hop("tracked", far, "order-tracker"), hop("failed", long, "payment-refund")]
    console = Console(width=80, record=True, file=StringIO())
    journey_view.print_hops(console, hops)
    lines = console.export_text().splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith(" " * 43)


def test_rows_tell_money_and_what_is_missing_for_people():
    rows = {
        "orders": {"status": "REFUNDED", "total": 13700, "currency": "EUR"},
        "inventory": {
            "status": "OUT_OF_STOCK",
            "quantities": {},
            "outcome": '{"data": {"inventory": {"missing_skus": ["MONITOR"]}}}',
        },
    }
    console = Console(width=80, record=True, file=StringIO())
    console.print(journey_view.rows_table(rows))
    text = console.export_text()
    assert "total=137.00 EUR" in text
    assert "status=OUT_OF_STOCK, missing=MONITOR" in text
    assert "quantities" not in text
