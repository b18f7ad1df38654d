"""Following an order: to its end, to a dead end, and what of it is shown."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain, repeat
from types import SimpleNamespace

import pytest
from rich.console import Console

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.orders import journey, journey_view
from workshop.orders.journey import DeadEndError, Hop
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters, Waiting

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

    def run(statuses, looks, *, idle, tables=TABLES, queues=None):
        outputs = Outputs("", "bus", "us-east-1", {}, tables, queues or {})
        stack = Stack(Target.local("default", "http://127.0.0.1:9"), 4, outputs)
        at, seen = _then_the_last(statuses), _then_the_last(looks)
        monkeypatch.setattr(journey, "idle", lambda _: idle)
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


def test_hops_are_told_in_their_order_even_if_a_log_is_slow(follow):
    """One look sees the second hop, the next one the first as well."""
    looks = [[TRACKED], [PUBLISHED, TRACKED]]
    assert follow(["REFUNDED"], looks, idle=False) == [PUBLISHED, TRACKED]


def test_a_hop_of_the_last_look_is_told_before_the_order_is_given_up(follow, monkeypatch):
    monkeypatch.setattr(journey, "IDLE_SECONDS", -1)
    with pytest.raises(DeadEndError, match="in inventory: boom"):
        follow(["CREATED"], [[hop("failed", "boom")]], idle=True)


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
    with pytest.raises(DeadEndError, match="No function logged a failure"):
        follow(["CREATED"], [[PUBLISHED]], idle=True)


@pytest.fixture
def parked(monkeypatch):
    """Dead letters of orders: (order, consumer) pairs."""

    def put(*letters, held=0):
        found = [SimpleNamespace(order_id=order, consumer=key) for order, key in letters]
        waiting = {"payment": Waiting(0, held)}
        queues = SimpleNamespace(waiting=lambda: waiting)
        monkeypatch.setattr(dead_letters, "of", lambda _: DeadLetters(queues, None, ()))
        monkeypatch.setattr(
            dead_letters,
            "look",
            lambda _, wanted: [each for each in found if each.order_id == wanted.order_id],
        )

    return put


QUEUES = {"payment": {"failed": "http://f", "undelivered": "http://u"}}


def test_a_dead_end_names_the_queue_and_the_way_back(follow, parked):
    parked(("ord_1", "payment"), ("ord_2", "shipping"))
    with pytest.raises(DeadEndError) as caught:
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)
    told = str(caught.value)
    assert "It waits in payment's dead-letter queue: make dlq." in told
    assert told.endswith('make redrive ARGS="--order ord_1"')
    assert "reconcile" not in told


def test_an_event_that_no_queue_has_is_announced_again(follow, parked):
    parked(("ord_2", "payment"))
    with pytest.raises(DeadEndError) as caught:
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)
    assert str(caught.value).endswith(
        "No dead-letter queue has it. Have the order announced again: "
        'make reconcile ARGS="--order ord_1"'
    )


def test_a_letter_that_another_command_holds_is_not_called_lost(follow, parked):
    parked(held=1)
    with pytest.raises(DeadEndError, match="Another command holds dead letters just now"):
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)


def test_what_may_still_be_tried_is_not_called_lost(follow, parked):
    parked()
    with pytest.raises(DeadEndError, match="perhaps it is still being tried"):
        follow(["CREATED"], [[PUBLISHED]], idle=False, queues=QUEUES)


def test_queues_that_cannot_be_read_do_not_hide_where_the_order_stands(follow, monkeypatch):
    def refuse(_):
        raise WorkshopError("So it is.")

    monkeypatch.setattr(dead_letters, "of", refuse)
    with pytest.raises(DeadEndError, match=r"stands still at CREATED(.|\n)*So it is\."):
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)


def test_an_order_that_goes_on_is_looked_for_in_no_queue(follow, monkeypatch):
    monkeypatch.setattr(dead_letters, "of", lambda _: pytest.fail("it was"))
    assert follow(["REFUNDED"], [[PUBLISHED]], idle=True, queues=QUEUES) == [PUBLISHED]


def test_what_the_redrive_function_logs_names_the_event():
    line = {"message": "redriven", "event": "order-created"}
    assert journey.step_of(line) == "order-created"


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


def test_statuses_of_many_orders_take_few_requests(monkeypatch):
    """A hundred at a time; what DynamoDB leaves over is asked for again, and nothing twice."""
    asked = []

    def batch_get_item(RequestItems):  # noqa: N803 - boto3's name
        ids = [key["order_id"]["S"] for key in RequestItems["o"]["Keys"]]
        asked.append(len(ids))
        answered, left = ids[:60], ids[60:]
        rows = [{"order_id": {"S": each}, "status": {"S": "PAID"}} for each in answered]
        keys = [{"order_id": {"S": each}} for each in left]
        return {"Responses": {"o": rows}, "UnprocessedKeys": {"o": {"Keys": keys}} if left else {}}

    client = SimpleNamespace(batch_get_item=batch_get_item)
    monkeypatch.setattr(journey, "table_name", lambda *_: "o")
    stack = SimpleNamespace(client=lambda _: client)
    ids = [f"ord_{number}" for number in range(150)]
    assert journey.statuses(stack, [*ids, "ord_0"]) == dict.fromkeys(ids, "PAID")
    assert asked == [100, 90, 30]
