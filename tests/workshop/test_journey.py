"""Tests of following an order until it is settled or stalled, and of its output."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain, repeat
from types import SimpleNamespace

import pytest
from rich.console import Console

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from workshop import console
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.journeys import advice, following, logs, order_rows
from workshop.journeys.following import StalledError
from workshop.journeys.hops import Hop, step_of
from workshop.orders import journey_view
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters, Waiting
from workshop.stages import flow

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = dict.fromkeys(flow().tables, "a table")
FUNCTIONS = {"payment-refund": "a function"}
LOCAL = Target.local("default", "http://127.0.0.1:9")
ACCOUNT = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)


def hop(what, step, function="inventory", at=0.0):
    return Hop(START + timedelta(seconds=at), function, what, step)


PUBLISHED = hop("published", "order-created", "order-api")
TRACKED = hop("tracked", "order-created (no change)", "order-tracker", at=0.1)


class Clock:
    """A clock that only `sleep` advances."""

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
    monkeypatch.setattr(following, "time", made)
    return made


@pytest.fixture
def follow(monkeypatch, clock):
    """Follow an order with the given statuses and hops of each read."""

    def run(statuses, reads, *, idle, delivered=(), tables=TABLES, queues=None, target=LOCAL):
        outputs = Outputs("", "bus", "us-east-1", FUNCTIONS, tables, queues or {})
        stack = Stack(target, 4, outputs)
        at, seen = _repeat_last(statuses), _repeat_last(reads)

        def hops(*_):
            found = next(seen)
            if callable(found):
                return found()
            return found

        def row_of(*_):
            now = next(at)
            return {"status": now, "placed_at": "2026-01-01T00:00:00.000Z"} if now else None

        monkeypatch.setattr(following, "idle", lambda _: idle)
        monkeypatch.setattr(logs, "delivery_hops", lambda *_: list(delivered))
        for name, found in (("rules_off", []), ("queued", 0)):
            monkeypatch.setattr(
                logs.delivery_records.injected_faults, name, lambda _, found=found: found
            )
        monkeypatch.setattr(order_rows, "row_of", row_of)
        monkeypatch.setattr(logs, "hops", hops)
        return [each for each in following.follow(stack, "ord_1", seconds=60) if each]

    return run


def _repeat_last(values):
    return chain(values, repeat(values[-1]))


def test_order_is_followed_until_it_is_settled(follow, clock):
    ending = [PUBLISHED, TRACKED]
    assert follow([None, "CREATED", "REFUNDED"], [[], [PUBLISHED], ending], idle=False) == ending
    assert clock.passed < 2


def test_hops_are_in_order_when_a_log_is_slow(follow):
    """One read returns the second hop, the next one also the first."""
    reads = [[TRACKED], [PUBLISHED, TRACKED]]
    assert follow(["REFUNDED"], reads, idle=False) == [PUBLISHED, TRACKED]


def test_hop_of_the_last_read_is_in_the_error(follow, monkeypatch):
    monkeypatch.setattr(following, "IDLE_SECONDS", -1)
    with pytest.raises(StalledError, match="in inventory: boom"):
        follow(["CREATED"], [[hop("failed", "boom")]], idle=True)


def test_follow_waits_for_the_tracker_at_stage_1(follow):
    reads = [[PUBLISHED]] * 8 + [[PUBLISHED, TRACKED]]
    output = follow(["CREATED"], reads, idle=False, tables={"orders": "a table"})
    assert output == [PUBLISHED, TRACKED]


def test_follow_waits_briefly_for_a_missing_tracker(follow, clock):
    assert follow(["REFUNDED"], [[PUBLISHED]], idle=False) == [PUBLISHED]
    assert following.TRACKED_SECONDS < clock.passed < following.TRACKED_SECONDS + 2


def test_follow_waits_for_a_function_that_changes_no_status(follow):
    """The order is settled, but a published event still invokes a function of the stack."""
    refused = hop("published", "out-of-stock")
    seen = [refused, hop("tracked", "out-of-stock (no change)", "order-tracker", at=0.1)]
    last = hop("published", "payment-refunded", "payment-refund", at=0.2)
    assert follow(["REFUNDED"], [seen] * 8 + [[*seen, last]], idle=False) == [*seen, last]


def test_stalled_order_is_reported_with_its_reason_at_once(follow, clock, dead_lettered):
    dead_lettered(("ord_1", "inventory"))
    failed = hop("failed", "UnknownSkuError: no stock item for MOUSE, WEBCAM")
    with pytest.raises(StalledError) as caught:
        follow(["PAID"], [[failed]], idle=True, queues=QUEUES)
    assert clock.passed < 2
    assert caught.value.exit_code == 1
    output = str(caught.value)
    assert output.splitlines() == [
        (
            "The order is stalled at PAID: nothing runs, and nothing will be tried again. The last "
            "failure, in inventory: UnknownSkuError: no stock item for MOUSE, WEBCAM."
        ),
        'Its log: make logs ARGS="inventory --order ord_1"',
        'Set its stock: make stock ARGS="MOUSE=10 WEBCAM=10"',
        "Its event is in the dead-letter queue of inventory: make dlq",
        'After you have removed the cause, redrive it: make redrive ARGS="--order ord_1"',
    ]


def test_advice_is_left_out_when_it_cannot_help_at_this_stage(follow):
    """The event is lost: with stock, nothing would try it again."""
    failed = hop("failed", "UnknownSkuError: no stock item for MOUSE")
    with pytest.raises(StalledError) as caught:
        follow(["PAID"], [[failed]], idle=True)
    assert str(caught.value).splitlines()[1:] == [
        'Its log: make logs ARGS="inventory --order ord_1"',
        (
            "No command recovers it at stage 4: dead-letter queues and the reconciler come with "
            "stage 5."
        ),
    ]


def test_journey_shows_hops_of_the_delivery_log(follow):
    killed = hop("killed", "order-created", "order-api", at=0.05)
    shown = follow(["REFUNDED"], [[PUBLISHED, TRACKED]], idle=False, delivered=[killed])
    assert shown == [PUBLISHED, killed, TRACKED]


def test_lost_event_is_named_when_an_order_is_stalled(follow):
    dropped = hop("dropped", "stock-reserved", "shipping", at=1)
    with pytest.raises(StalledError, match="The event stock-reserved to shipping was lost"):
        follow(["RESERVED"], [[PUBLISHED]], idle=True, delivered=[dropped])


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Outcome.KILLED, [("payment", "killed", "order-created")]),
        (Outcome.DROPPED, [("payment", "dropped", "order-created")]),
        (Outcome.DEAD_LETTERED, [("payment", "dead-lettered", "order-created")]),
        (Outcome.REFUSED, [("payment", "refused", "order-created (try 2)")]),
        (Outcome.DELIVERED, []),
        (Outcome.DUPLICATED, []),
    ],
)
def test_hops_are_read_from_the_delivery_log(monkeypatch, outcome, shown):
    """Those of the stack's functions only: another stack may be in the same cloud."""
    origin = Origin(identity="ord_1/order-created", correlation_id="ord_1")
    log = [Delivery(name, outcome, origin, attempt=2) for name in ("orderflow-payment", "other")]
    control = SimpleNamespace(deliveries=lambda order_id: log if order_id == "ord_1" else [])
    monkeypatch.setattr(logs.delivery_records.injected_faults, "switch", lambda _: control)
    stack = Stack(LOCAL, 4, Outputs("", "bus", "r", {"payment": "orderflow-payment"}, {}, {}))
    found = logs.delivery_hops(stack, "ord_1")
    assert [(each.function, each.what, each.step) for each in found] == shown
    assert all(each.at.tzinfo for each in found)


def test_stack_in_an_account_has_no_delivery_log():
    outputs = Outputs("", "bus", "r", {"payment": "orderflow-payment"}, {}, {})
    assert logs.delivery_hops(Stack(ACCOUNT, 4, outputs), "ord_1") == []


def test_order_without_a_logged_failure_is_stalled(follow):
    with pytest.raises(StalledError, match="No function logged a failure"):
        follow(["CREATED"], [[PUBLISHED]], idle=True)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("dropped", "The event stock-reserved to shipping was lost."),
        ("dead-lettered", "The event stock-reserved to shipping is a dead letter."),
        ("killed", "shipping was killed while it processed stock-reserved."),
        ("refused", "No function logged a failure."),
    ],
)
def test_reason_names_an_event_that_did_not_get_through(what, said):
    """A function that ended before its step, or in it, has logged nothing."""
    shown = [PUBLISHED, hop(what, "stock-reserved", "shipping")]
    assert advice.reason_of("RESERVED", shown, given_up=True, seconds=1).endswith(said)


def test_commands_name_the_stack_in_an_account(follow, dead_lettered):
    """Otherwise they would use the local cloud."""
    dead_lettered(("ord_1", "payment"))
    failed = hop("failed", "UnknownSkuError: no stock item for MOUSE")
    with pytest.raises(StalledError) as caught:
        follow(["PAID"], [[failed]], idle=False, queues=QUEUES, target=ACCOUNT)
    output = str(caught.value)
    assert output.count("make ") == output.count("WORKSHOP_CLOUD=aws-1-us-east-1 make ") == 4


@pytest.fixture
def dead_lettered(monkeypatch):
    """Set dead letters as (order, consumer) pairs."""

    def put(*messages, held=0):
        found = [SimpleNamespace(order_id=order, consumer=key) for order, key in messages]
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


def test_stalled_order_is_reported_with_its_queue_and_the_recovery(follow, dead_lettered):
    dead_lettered(("ord_1", "payment"), ("ord_2", "shipping"))
    with pytest.raises(StalledError) as caught:
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)
    output = str(caught.value)
    assert "Its event is in the dead-letter queue of payment: make dlq\n" in output
    assert output.endswith('make redrive ARGS="--order ord_1"')
    assert "reconcile" not in output


def test_reconcile_is_advised_when_no_queue_has_the_event(follow, dead_lettered):
    dead_lettered(("ord_2", "payment"))
    with pytest.raises(StalledError) as caught:
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)
    assert str(caught.value).endswith(
        "No dead-letter queue has its event. Re-publish its OrderCreated: "
        'make reconcile ARGS="--order ord_1"'
    )


def test_dead_letter_that_another_command_holds_is_not_lost(follow, dead_lettered):
    dead_lettered(held=1)
    with pytest.raises(StalledError, match="Another command is processing dead letters"):
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)


def test_event_that_may_still_be_retried_is_not_lost(follow, dead_lettered):
    dead_lettered()
    with pytest.raises(StalledError, match="perhaps it is still being tried"):
        follow(["CREATED"], [[PUBLISHED]], idle=False, queues=QUEUES)


def test_status_is_reported_when_queues_cannot_be_read(follow, monkeypatch):
    def refuse(_):
        raise WorkshopError("So it is.")

    monkeypatch.setattr(dead_letters, "of", refuse)
    with pytest.raises(StalledError, match=r"is stalled at CREATED(.|\n)*So it is\."):
        follow(["CREATED"], [[PUBLISHED]], idle=True, queues=QUEUES)


def test_settled_order_is_searched_in_no_queue(follow, monkeypatch):
    monkeypatch.setattr(dead_letters, "of", lambda _: pytest.fail("a queue was read"))
    assert follow(["REFUNDED"], [[PUBLISHED]], idle=True, queues=QUEUES) == [PUBLISHED]


def test_log_line_of_the_redrive_names_the_event():
    line = {"message": "redriven", "event": "order-created"}
    assert step_of(line) == "order-created"


def test_follow_ends_at_its_timeout_when_the_cloud_is_not_idle(follow, clock):
    with pytest.raises(StalledError, match="still PAID after 60 s"):
        follow(["PAID"], [[PUBLISHED]], idle=False)
    assert 60 <= clock.passed < 62


@pytest.mark.parametrize(("idle", "longest"), [(True, 0), (False, 6)])
def test_unknown_order_is_waited_for_only_while_it_may_appear(follow, clock, idle, longest):
    with pytest.raises(WorkshopError, match="no order ord_1"):
        follow([None], [[]], idle=idle)
    assert clock.passed <= longest


def test_order_known_only_to_a_dead_letter_queue_is_found_there(follow, dead_lettered):
    """An invalid event that somebody put on the bus: no function created the order's item."""
    dead_lettered(("ord_1", "payment"))
    with pytest.raises(WorkshopError) as caught:
        follow([None], [[]], idle=True, queues=QUEUES)
    assert str(caught.value) == (
        "The Orders table has no order ord_1, but the dead-letter queue of payment has its event: "
        'make dlq ARGS="--order ord_1"'
    )


def test_waiting_is_logged_after_a_while(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: now[0]))
    lines = []
    with console.Spinner("Waiting …") as spinner:
        for second in range(13):
            now[0] = float(second)
            spinner.waiting()
            lines += [second] * bool(capsys.readouterr().err)
    assert lines == [6, 12]


def test_lines_fit_a_narrow_terminal():
    far = "shipment-prepared → SHIPMENT_PREPARED"
    long = "GatewayUnavailableError: the gateway did not respond to the request before its timeout"
    hops = [hop("tracked", far, "order-tracker"), hop("failed", long, "payment-refund")]
    page = Console(width=80, record=True, file=StringIO())
    journey_view.print_hops(page, hops)
    lines = page.export_text().splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith(" " * 43)


def test_rows_show_money_and_missing_skus():
    rows = {
        "orders": {"status": "REFUNDED", "total": 13700, "currency": "EUR"},
        "inventory": {
            "status": "OUT_OF_STOCK",
            "quantities": {},
            "outcome": '{"data": {"inventory": {"missing_skus": ["MONITOR"]}}}',
        },
    }
    page = Console(width=80, record=True, file=StringIO())
    page.print(journey_view.rows_table(rows))
    text = page.export_text()
    assert "total=137.00 EUR" in text
    assert "status=OUT_OF_STOCK, missing=MONITOR" in text
    assert "quantities" not in text


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (13700, "EUR", "137.00 EUR"),
        (5, "USD", "0.05 USD"),
        (13700, "JPY", "13700 JPY"),
        (5000, "KWD", "5.000 KWD"),
        (-1, "BHD", "-0.001 BHD"),
        (12345, "CLF", "1.2345 CLF"),
        (7, "ZZZ", "7 minor units of ZZZ"),
        (7, "XAU", "7 minor units of XAU"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount, currency, shown):
    assert journey_view.money(amount, currency) == shown


def test_statuses_of_many_orders_take_few_requests(monkeypatch):
    """A hundred at a time; unprocessed keys are requested again, and no key twice."""
    requested = []

    def batch_get_item(RequestItems):  # noqa: N803 - boto3's name
        ids = [key["order_id"]["S"] for key in RequestItems["o"]["Keys"]]
        requested.append(len(ids))
        processed, left = ids[:60], ids[60:]
        rows = [{"order_id": {"S": each}, "status": {"S": "PAID"}} for each in processed]
        keys = [{"order_id": {"S": each}} for each in left]
        return {"Responses": {"o": rows}, "UnprocessedKeys": {"o": {"Keys": keys}} if left else {}}

    client = SimpleNamespace(batch_get_item=batch_get_item)
    monkeypatch.setattr(order_rows, "table_name", lambda *_: "o")
    stack = SimpleNamespace(client=lambda _: client)
    ids = [f"ord_{number}" for number in range(150)]
    assert order_rows.statuses(stack, [*ids, "ord_0"]) == dict.fromkeys(ids, "PAID")
    assert requested == [100, 90, 30]
