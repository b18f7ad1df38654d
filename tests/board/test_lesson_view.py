"""The view of a lesson: what the stack shows is done, and nothing else."""

import html
import re

import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import FUNCTIONS, Client, FakeSource, bus_event, delivery, fake_stack, until
from tests.fixtures.events import example
from workshop.board import facts
from workshop.board.event_list import EventList
from workshop.deployment.stack import Record
from workshop.exercises import session
from workshop.exercises.catalogue import find
from workshop.progress import record

KEYS = {name: key for key, name in FUNCTIONS.items()}
ORDER = "ord_" + "1a" * 16
CREATED = bus_event("OrderCreated", "payment", event_id="1", order_id=ORDER)
PAID = bus_event("PaymentProcessed", event_id="2", order_id=ORDER, producer="payment")
AGAIN = bus_event("OrderCreated", event_id="3", order_id=ORDER)
RECONCILED = bus_event("OrderCreated", event_id="4", order_id=ORDER, producer="reconciler")


def shown(*records, orders=(), start=""):
    events = EventList()
    events.add(records)
    return set(facts.of_events(reversed(list(events.newest_first())), KEYS, orders, start))


def at(second):
    return f"2026-11-29T10:00:{second:02}.000+00:00"


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([CREATED], {"published order-created"}),
        ([CREATED, AGAIN], {"published order-created", "published-again order-created"}),
        (
            [CREATED, RECONCILED],
            {
                "published order-created",
                "published-again order-created",
                "re-published order-created",
            },
        ),
        (
            [CREATED, delivery("payment", Outcome.DELIVERED, CREATED, attempt=3)],
            {"published order-created", "retried payment"},
        ),
        (
            [CREATED, delivery("payment", Outcome.DROPPED, CREATED)],
            {"published order-created", "lost payment"},
        ),
        (
            [CREATED, delivery("payment", Outcome.DUPLICATED, CREATED)],
            {"published order-created"},
        ),
        (
            [
                CREATED,
                delivery("payment", Outcome.DUPLICATED, CREATED),
                delivery("payment", Outcome.DELIVERED, CREATED, attempt=1),
            ],
            {"published order-created", "duplicated payment"},
        ),
        (
            [
                CREATED,
                delivery(
                    "payment",
                    Outcome.DEAD_LETTERED,
                    CREATED,
                    queue="arn:aws:sqs:us-east-1:0:orderflow-payment-undelivered",
                    time=at(1),
                ),
            ],
            {
                "published order-created",
                "lost payment",
                "dead-lettered payment",
                "undelivered payment",
            },
        ),
    ],
)
def test_events_show_facts_about_the_learners_orders(records, found):
    assert shown(*records) == found


def test_redriven_event_is_one_whose_effect_came_after_the_dead_letter():
    dead = delivery("payment", Outcome.DEAD_LETTERED, CREATED, time="2020-01-01T00:00:00.000+00:00")
    assert "redriven payment" not in shown(CREATED, dead)
    assert "redriven payment" in shown(CREATED, dead, PAID)
    late = delivery("payment", Outcome.DEAD_LETTERED, CREATED, time="2999-01-01T00:00:00.000+00:00")
    assert "redriven payment" not in shown(CREATED, PAID, late), "it was a duplicate that failed"


@pytest.mark.parametrize(
    ("token", "reason", "expected"),
    [
        ("tok_approved", "GatewayUnavailableError", True),
        ("tok_unavailable", "GatewayUnavailableError", False),
        ("tok_approved", "TimeoutError", False),
    ],
)
def test_gateway_was_down_only_if_the_token_is_a_good_one(token, reason, expected):
    event = example("OrderCreated", order_id=ORDER)
    event.detail["data"]["order"]["customer_id"] = facts.LEARNERS[0]
    event.detail["data"]["payment_method"]["token"] = token
    created = bus_event(event, event_id="9")
    records = [created, delivery("payment", Outcome.FAILED, created, reason=reason)]
    assert "gateway-down payment" not in shown(*records)
    records.append(delivery("payment", Outcome.DEAD_LETTERED, created))
    assert ("gateway-down payment" in shown(*records)) == expected


def test_killed_function_recovers_when_its_event_is_published():
    killed = delivery("order-api", Outcome.KILLED, CREATED, time="2020-01-01T00:00:00.000+00:00")
    assert shown(killed, orders=[ORDER]) == {"killed order-api"}
    assert "recovered order-api" in shown(killed, CREATED)


def test_orders_of_other_customers_show_nothing():
    """A check orders as other customers: it must not turn the steps green."""
    event = example("OrderCreated", order_id=ORDER)
    event.detail["data"]["order"]["customer_id"] = "customer-of-a-check"
    other = bus_event(event, event_id="9")
    assert shown(other, delivery("payment", Outcome.DROPPED, other)) == set()


def test_event_before_the_start_of_the_lesson_shows_nothing():
    """It is of the demo, say, which runs all stages."""
    assert shown(CREATED, start="2999-01-01T00:00:00.000+00:00") == set()
    assert shown(CREATED, start="2000-01-01T00:00:00.000+00:00")


def test_steps_count_from_the_time_the_stack_came_to_the_stage(client, monkeypatch):
    """A stack that came from another stage has events of it."""
    client.source.add(CREATED, PAID)
    until(lambda: "It is paid." in dict(steps(client.part("/lesson")))["done"])
    for stage in (2, 1):
        late = {str(stage): "2999-01-01T00:00:00.000+00:00"}
        known = Record("us-east-1", "0", "http://127.0.0.1:9", "boot", stage, since=late)
        monkeypatch.setattr(Record, "load", lambda _, known=known: known)
        assert [name for name, _ in steps(client.part("/lesson"))].count("done") == 1


@pytest.fixture
def tables(monkeypatch):
    """What the tables show: facts and orders."""
    found = {"deployed 1": "", "deployed 2": ""}, []
    monkeypatch.setattr(facts, "of_stack", lambda *_: found)
    monkeypatch.setattr(facts, "of_record", lambda _: {})
    return found


@pytest.fixture
def client(tables):
    source = FakeSource(fake_stack(2))
    with Client(source) as made:
        made.source = source
        yield made


def steps(page):
    """Return the class of each step, and its text."""
    found = re.findall(r'<li id="step-\d+" class="(\w+)">(.*?)<p class="state">', page, re.DOTALL)
    return [
        (name, " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split()))
        for name, text in found
    ]


def test_steps_are_those_of_the_deployed_stage(client):
    page = client.part("/lesson")
    assert "Lesson 2: payment" in page
    states = [name for name, _ in steps(page)]
    assert states == ["done", "next", *["open"] * (len(states) - 2)]
    assert f"1 of {len(states)} done" in page
    assert 'make order ARGS="MOUSE=1 --token tok_declined"' in html.unescape(page)


def test_lesson_of_another_stage_is_shown(client):
    page = client.part("/lesson?stage=5")
    assert "Lesson 5: errors and dead letters" in page
    assert "The stack is at stage 2." in page
    assert "done" not in {name for name, _ in steps(page)}
    assert "Lesson 2" in client.part("/lesson?stage=99")


def test_step_turns_green_without_a_reload(client):
    page = client.part("/lesson")
    live = html.unescape(re.search('data-live="([^"]+)"', page)[1])
    stream = client.messages(f"{live}&after=0&generation=1")
    client.source.add(CREATED, PAID)
    message = next(each for each in stream if "step-2" in each.get("data", ""))
    assert 'id="step-2" class="done"' in message["data"]
    assert 'id="step-1"' not in message["data"], "it has not changed"
    assert "2 of 7 done" in message["data"]
    stream.close()


def test_done_step_stays_when_its_event_is_removed(client):
    client.source.add(CREATED, PAID)
    until(lambda: "It is paid." in dict(steps(client.part("/lesson")))["done"])
    client.source.add(*(bus_event(event_id=f"x{number}") for number in range(2_100)))
    until(lambda: "removed" in client.part("/"))
    assert "It is paid." in dict(steps(client.part("/lesson")))["done"]


def test_lesson_is_shown_without_a_stack():
    with Client(FakeSource(up=False)) as client:
        page = client.part("/lesson")
        assert "Lesson 1" in page
        assert "No stack is up." in page


def test_statuses_of_orders_show_the_steps_before_them():
    assert facts._steps_to("REFUNDED") == [
        "payment-refunded",
        "out-of-stock",
        "payment-succeeded",
        "order-created",
    ]


def test_exercise_under_way_shows_its_result_and_a_hint(client, monkeypatch):
    monkeypatch.setattr(session, "under_way", lambda: "02.1")
    monkeypatch.setattr(
        record, "load", lambda: record.Record(results={"02.1": "3 passed, 1 failed"})
    )
    part = client.part("/lesson")
    assert "&#10;" in part, "a message of the stream has no line breaks"
    page = html.unescape(part)
    assert f"02.1 {find('02.1').title}" in page
    assert "3 passed, 1 failed" in page
    assert 'exercise ARGS="02.1 check"' in page
    assert find("02.1").task in page, "with its line breaks"
    hint = client.part("/lesson/exercises/02.1/hint")
    assert "2 more" in hint
    assert client.get("/lesson/exercises/99.9/hint").status == 422


def test_passed_check_is_done_only_with_the_current_code(monkeypatch):
    known = record.Record(checks={"2": "now"})
    monkeypatch.setattr(record, "load", lambda: known)
    monkeypatch.setattr(record, "fingerprint", lambda _: "now")
    assert facts.of_record(2) == {"checked 2": ""}
    monkeypatch.setattr(record, "fingerprint", lambda _: "changed")
    assert facts.of_record(2) == {}


def test_check_that_passed_with_other_code_says_so(client, monkeypatch):
    monkeypatch.setattr(record, "load", lambda: record.Record(checks={"4": "now"}))
    monkeypatch.setattr(record, "fingerprint", lambda _: "changed")
    assert "passed, but the code has changed since" in client.part("/lesson?stage=4")
    monkeypatch.setattr(record, "load", record.Record)
    assert "the code has changed since" not in client.part("/lesson?stage=4")
