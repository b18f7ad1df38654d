"""The list of the orders: what is wrong with each, and the number of dead letters in the menu."""

import html
import re
from dataclasses import replace

import pytest

from local_cloud.delivery.delivery_log import Origin, Outcome
from tests.board.fakes import FUNCTIONS, Client, FakeSource, bus_event, delivery, until
from tests.board.test_flow import stack_of
from workshop.board import order_list, queue_watch
from workshop.board.event_list import EventList
from workshop.board.order_list import SHOWN, Listed, OrderList
from workshop.journeys import following, order_rows

KEYS = {name: key for key, name in FUNCTIONS.items()}
ORDER = "ord_1"
OPEN = Listed(ORDER, "2026-01-15T10:00:00.000Z", "CREATED", "29.00 EUR", False, False)
DONE = replace(OPEN, order_id="ord_2", status="SHIPMENT_PREPARED", settled=True, succeeded=True)
CREATED = bus_event("OrderCreated", "payment", order_id=ORDER)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:payment-failed"
FAILED = [delivery("payment", Outcome.FAILED, CREATED, reason="TimeoutError")] * 3
DEAD = delivery("payment", Outcome.DEAD_LETTERED, CREATED, queue=QUEUE, reason="RetriesExhausted")
UNPUBLISHED = Origin(identity=f"{ORDER}/payment-succeeded", correlation_id=ORDER)


def problem(*records, idle=True, queued=None, order=OPEN):
    events = EventList()
    events.add(records)
    return order_list.problem(order, events.of_order(ORDER), KEYS, idle=idle, queued=queued)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (
            [CREATED, *FAILED, DEAD],
            "payment failed 3 times: TimeoutError; its event is in payment's dead-letter queue.",
        ),
        ([CREATED, FAILED[0]], "payment failed: TimeoutError."),
        (
            [CREATED, delivery("payment", Outcome.DROPPED, CREATED, reason="injected fault")],
            "order-created was not delivered to payment: injected fault; the event is lost.",
        ),
        (
            [CREATED, delivery("payment", Outcome.KILLED, origin=UNPUBLISHED)],
            "payment was killed before it published payment-succeeded.",
        ),
        ([CREATED], "Nothing runs for it after order-created."),
        ([], "Nothing runs for it, and the board stores no event of it."),
    ],
)
def test_problem_of_an_order_is_one_sentence(records, sentence):
    assert problem(*records) == sentence
    assert problem(*records, order=replace(OPEN, settled=True)) == ""


def test_repaired_event_is_no_problem():
    copy = bus_event("OrderCreated", "payment", order_id=ORDER, event_id="copy", producer="")
    repaired = (CREATED, *FAILED, DEAD, copy, delivery("payment", Outcome.DELIVERED, copy))
    assert problem(*repaired, idle=False) == ""


def test_order_on_its_way_is_no_problem():
    assert problem(CREATED, idle=False) == problem(CREATED, idle=None) == ""


def test_dead_letter_that_has_left_its_queue_is_not_in_it():
    assert "is in payment's" in problem(CREATED, *FAILED, DEAD, queued={"payment": 1})
    assert "no longer in payment's" in problem(CREATED, *FAILED, DEAD, queued={})


@pytest.fixture
def listed(monkeypatch):
    """Replace the read of the orders: the test sets what it returns."""
    found = [OrderList((DONE, OPEN), idle=True)]
    monkeypatch.setattr(order_list, "read", lambda *_: found[0])
    return found


def rows(page):
    found = re.findall(r'<li class="(\w+)">(.*?)</li>', page, re.DOTALL)
    return [
        (mood, " ".join(html.unescape(re.sub("<[^>]*>", " ", row)).split())) for mood, row in found
    ]


def test_orders_with_a_problem_come_first_and_lead_to_their_page(listed):
    source = FakeSource(stack_of(5))
    source.add(CREATED, *FAILED, DEAD)
    with Client(source) as client:
        client.shows("event-event-1")
        page = client.part("/orders")
    (first, problem_row), (second, done_row) = rows(page)
    assert (first, second) == ("bad", "good")
    assert problem_row.startswith("ord_1 10:00:00 29.00 EUR CREATED ✕ payment failed 3 times")
    assert "settled" in done_row
    assert 'href="/orders/ord_1"' in page
    assert "1 order needs attention." in page
    assert "These are all orders." in page


def test_list_says_what_it_leaves_out(listed):
    with Client(FakeSource(stack_of(5))) as client:
        listed[0] = OrderList((DONE,), idle=True, complete=False)
        assert f"the newest {SHOWN} of the orders" in client.part("/orders")
    with Client(FakeSource(stack_of(5))) as client:
        listed[0] = OrderList((OPEN,), idle=None, complete=False)
        assert "it does not read the whole table of an AWS account" in client.part("/orders")


def test_stream_sends_an_order_that_has_a_problem_now(listed):
    source = FakeSource(stack_of(5))
    with Client(source) as client:
        stream = client.messages("/orders/live?after=0&generation=1")
        source.add(CREATED, *FAILED, DEAD)
        data = next(each for each in stream if "failed 3 times" in each.get("data", ""))["data"]
        stream.close()
    assert data.strip().endswith("</div>")
    assert 'id="orders"' in data


def test_only_orders_with_events_are_read_in_an_account(monkeypatch):
    stack = stack_of(5)
    account = replace(stack, target=replace(stack.target, own=False))
    monkeypatch.setattr(order_rows, "statuses", lambda _, ids: dict.fromkeys(ids, "CREATED"))
    found = order_list.read(account, [f"ord_{n}" for n in range(SHOWN + 5)])
    assert (len(found.orders), found.idle, found.complete) == (SHOWN, None, False)


def test_newest_orders_of_a_local_cloud_are_read(monkeypatch):
    row = {"status": "CREATED", "total": 2900, "currency": "EUR"}
    table = [row | {"order_id": f"ord_{n}", "placed_at": f"2026-01-{n:03}"} for n in range(105)]
    monkeypatch.setattr(order_rows, "all_rows", lambda *_: table)
    monkeypatch.setattr(following, "idle", lambda _: True)
    found = order_list.read(stack_of(5), [])
    assert [each.order_id for each in found.orders[:2]] == ["ord_104", "ord_103"]
    assert (len(found.orders), found.orders[0].total) == (SHOWN, "29.00 EUR")
    assert not found.complete


def test_menu_counts_the_dead_letters_while_a_page_is_open(monkeypatch):
    monkeypatch.setattr(queue_watch, "_SECONDS", 0.01)
    counts = {"payment": 2, "inventory": 1}
    monkeypatch.setattr(queue_watch, "dead_letter_counts", lambda _: counts)
    with Client(FakeSource(stack_of(5))) as client:
        count = '<span id="dead-letter-count" class="count">3'
        assert count not in client.get("/orders").text
        stream = client.messages("/banners/live?after=0&generation=1")
        assert next(each for each in stream if count in each.get("data", ""))
        assert count in until(lambda: page if count in (page := client.get("/").text) else None)
        counts = {}
        empty = '<span id="dead-letter-count" class="count"></span>'
        assert next(each for each in stream if empty in each.get("data", ""))
        stream.close()
