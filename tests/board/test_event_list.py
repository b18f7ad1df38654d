import json
import re
from dataclasses import replace

import pytest

from local_cloud.delivery.delivery_log import Origin, Outcome
from tests.board.fakes import FUNCTIONS, Client, FakeSource, bus_event, delivery
from workshop.board.event_list import Consumer, EventList, How, State

KEYS = {name: key for key, name in FUNCTIONS.items()}


def consumers(*deliveries, rules=("payment",)):
    """Return what the list shows of an event with these deliveries."""
    events = EventList()
    events.add([bus_event("OrderCreated", *rules), *deliveries])
    [line] = events.newest_first()
    return line.consumers(KEYS)


def state(*outcomes, **values):
    """Return the state after deliveries with these outcomes to one consumer."""
    [one] = consumers(*(delivery("payment", each, **values) for each in outcomes))
    return one.state


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), State.WAITING),
        ((Outcome.DELAYED,), State.DELAYED),
        ((Outcome.REORDERED,), State.DELAYED),
        ((Outcome.DELAYED, Outcome.DELIVERED), State.DELIVERED),
        ((Outcome.DELIVERED,), State.DELIVERED),
        ((Outcome.DUPLICATED,), State.WAITING),
        ((Outcome.DUPLICATED, Outcome.DELIVERED), State.DUPLICATED),
        ((Outcome.DUPLICATED, Outcome.DELIVERED, Outcome.DELIVERED), State.DUPLICATED),
        ((Outcome.DUPLICATED, Outcome.DELIVERED, Outcome.FAILED), State.FAILED),
        ((Outcome.FAILED,), State.FAILED),
        ((Outcome.THROTTLED,), State.RETRYING),
        ((Outcome.REFUSED,), State.RETRYING),
        ((Outcome.FAILED, Outcome.DELIVERED), State.DELIVERED),
        ((Outcome.FAILED, Outcome.FAILED, Outcome.DEAD_LETTERED), State.DEAD_LETTERED),
        ((Outcome.DROPPED,), State.DROPPED),
        ((Outcome.FAILED, Outcome.DROPPED), State.DROPPED),
        ((Outcome.KILLED,), State.KILLED),
    ],
)
def test_state_follows_from_the_outcomes_of_the_deliveries(outcomes, expected):
    assert state(*outcomes) is expected


def test_failed_attempt_is_retrying_if_another_one_is_due():
    assert state(Outcome.FAILED, next_try="2026-01-15T10:00:00.000+00:00") is State.RETRYING


@pytest.mark.parametrize("reason", ["NO_PERMISSIONS", "AccessDeniedException"])
@pytest.mark.parametrize("outcome", [Outcome.DEAD_LETTERED, Outcome.DROPPED])
def test_missing_permission_is_a_state_of_its_own(outcome, reason):
    assert state(outcome, reason=reason) is State.REFUSED
    assert state(outcome, reason="ClientError") is not State.REFUSED


def test_dead_letter_becomes_delivered_after_a_redrive():
    assert state(Outcome.DEAD_LETTERED, Outcome.DELIVERED) is State.DELIVERED


def test_reason_is_shown_until_a_delivery_succeeds():
    failed = delivery("payment", Outcome.FAILED, reason="TimeoutError", attempt=1)
    assert consumers(failed) == [Consumer("payment", State.FAILED, 1, "TimeoutError")]
    done = delivery("payment", Outcome.DELIVERED, attempt=2)
    assert consumers(failed, done) == [Consumer("payment", State.DELIVERED, 2)]


def test_consumers_are_in_the_order_in_which_rules_matched():
    found = consumers(
        delivery("payment", Outcome.DELIVERED), rules=("order-tracker", "payment", "inventory")
    )
    assert [(each.name, each.state) for each in found] == [
        ("order-tracker", State.WAITING),
        ("payment", State.DELIVERED),
        ("inventory", State.WAITING),
    ]


def test_rule_is_not_shown_beside_its_target_of_another_name():
    origin = Origin.of(bus_event().content, rule="to-a-queue")
    found = consumers(
        delivery("the-queue", Outcome.DELIVERED, origin=origin), rules=("to-a-queue",)
    )
    assert [each.name for each in found] == ["the-queue"]


def test_delivery_before_its_event_adds_to_the_same_line():
    events = EventList()
    events.add([delivery("payment", Outcome.DELIVERED)])
    [line] = events.newest_first()
    assert (line.logged, line.content, line.producer) == (None, {}, "")
    events.add([bus_event("OrderCreated", "payment")])
    assert list(events.newest_first()) == [line]
    assert line.content["detail-type"] == "OrderCreated"
    assert [each.name for each in line.consumers(KEYS)] == ["payment"]


def test_each_killed_event_without_an_id_has_a_line_of_its_own():
    events = EventList()
    killed = [delivery("payment", Outcome.KILLED, origin=Origin(identity="o/s")) for _ in range(2)]
    events.add(killed)
    assert len(list(events.newest_first())) == 2


def test_event_of_a_killed_function_is_not_published():
    """Its function has the mark of the kill in place of a consumer."""
    source = FakeSource()
    source.add(delivery("payment", Outcome.KILLED, origin=Origin(identity="o/payment-succeeded")))
    source.add(bus_event("OrderCreated", "payment"))
    with Client(source) as client:
        page = client.shows("not published")
        assert page.count("not published") == 1
        detail = client.part("/events/unpublished-1")
    assert "before it published the event" in detail
    assert "o/payment-succeeded" in detail


def test_list_stores_the_newest_events_and_counts_the_removed_ones():
    events = EventList(most=10)
    events.add(bus_event(event_id=f"e{number}") for number in range(25))
    assert [each.key for each in events.newest_first()] == [f"e{n}" for n in range(24, 14, -1)]
    assert events.removed == 15
    assert events.get("e3") is None


def test_event_with_endless_deliveries_stores_a_bounded_number():
    events = EventList()
    events.add(delivery("payment", Outcome.FAILED, attempt=n) for n in range(2_500))
    [line] = events.newest_first()
    assert len(line.deliveries) == 2_000
    assert line.deliveries[-1].attempt == 2_499


def test_changed_after_a_revision_lists_new_and_changed_lines():
    events = EventList()
    events.add([bus_event(event_id="a"), bus_event(event_id="b")])
    seen = events.revision
    assert events.changed_after(seen) == []
    events.add([delivery("payment", Outcome.DELIVERED, bus_event(event_id="a"))])
    assert [each.key for each in events.changed_after(seen)] == ["a"]
    assert [each.key for each in events.changed_after(0)] == ["b", "a"]


def test_order_has_its_own_events_oldest_first():
    events = EventList()
    mine = [bus_event(event_id=each, order_id="mine") for each in ("a", "b")]
    events.add([mine[0], bus_event(event_id="c", order_id="other"), mine[1]])
    assert [each.key for each in events.of_order(events.get("a").order_id)] == ["a", "b"]


def test_large_events_remove_older_ones_before_memory_is_full():
    events = EventList(most_text=5_000)
    for number in range(20):
        events.add([bus_event(event_id=f"event-{number}")])
    stored = list(events.newest_first())
    assert stored[0].key == "event-19"
    assert sum(len(each.logged.event) for each in stored) <= 5_000
    assert events.removed == 20 - len(stored)


QUEUE = "arn:aws:sqs:us-east-1:000000000000:payment-failed"
CREATED = replace(bus_event("OrderCreated", "payment"), time="2026-01-01T00:00:00")


def effect():
    """Return the event that payment publishes when it has processed `CREATED`."""
    caused = bus_event("PaymentProcessed", event_id="effect")
    identity = Origin.of(CREATED.content).identity
    metadata = {**caused.content["detail"]["metadata"], "causation_id": identity}
    content = {**caused.content, "detail": {"metadata": metadata}}
    return replace(caused, event=json.dumps(content), producer=FUNCTIONS["payment"])


def direct(**values):
    """Return the record of an event that was sent to payment without the bus."""
    origin = replace(Origin.of(CREATED.content), event_id="sent")
    values = {"accepted": "2026-01-01T00:00:01", "time": "2026-01-01T00:00:03", **values}
    return delivery("payment", Outcome.DELIVERED, origin=origin, **values)


def repaired(*records):
    """Return the first event's state and repair at payment, after its loss and records."""
    events = EventList()
    events.add([CREATED, *records])
    [one] = events.get("event-1").consumers(KEYS)
    return one.state, one.repair


def test_published_event_shows_that_its_dead_letter_was_redriven():
    """A redrive invokes the function directly: there is no record of its delivery."""
    events = EventList()
    events.add([CREATED, delivery("payment", Outcome.DEAD_LETTERED, attempt=3, queue=QUEUE)])
    before = events.revision
    events.add([effect()])
    line = events.get("event-1")
    [one] = line.consumers(KEYS)
    assert (one.state, one.repair) == (State.DEAD_LETTERED, How.REDRIVEN)
    assert one.had == {State.DEAD_LETTERED, State.DELIVERED}
    assert line in events.changed_after(before)


@pytest.mark.parametrize(
    ("producer", "how"),
    [("reconciler", How.PUBLISHED), ("", How.SENT), ("order-api", How.PUBLISHED)],
)
def test_lost_event_shows_that_a_copy_on_the_bus_repaired_it(producer, how):
    copy = bus_event("OrderCreated", "payment", event_id="copy", producer=producer)
    lost = delivery("payment", Outcome.DROPPED)
    assert repaired(lost, copy) == (State.DROPPED, "")
    assert repaired(lost, copy, effect()) == (State.DROPPED, how)
    assert repaired(lost, copy, delivery("payment", Outcome.DELIVERED, copy)) == (
        State.DROPPED,
        how,
    )


def test_lost_event_shows_that_it_was_sent_to_its_function():
    lost = delivery("payment", Outcome.DEAD_LETTERED, queue=QUEUE)
    published = replace(effect(), time="2026-01-01T00:00:02")
    assert repaired(lost, published, direct()) == (State.DEAD_LETTERED, How.SENT)


def test_copy_that_comes_after_a_redrive_did_not_repair_the_event():
    lost = delivery("payment", Outcome.DEAD_LETTERED, queue=QUEUE)
    published = replace(effect(), time="2026-01-01T00:00:00")
    assert repaired(lost, published, direct()) == (State.DEAD_LETTERED, How.REDRIVEN)


def test_event_to_be_retried_is_not_repaired_by_its_own_effect():
    failed = delivery("payment", Outcome.FAILED, next_try="later", attempt=1)
    assert repaired(failed, effect()) == (State.RETRYING, "")
    done = delivery("payment", Outcome.DELIVERED, attempt=2)
    assert repaired(failed, effect(), done) == (State.DELIVERED, "")


def test_redriven_event_is_noted_only_where_it_was_lost():
    events = EventList()
    events.add([CREATED, delivery("payment", Outcome.DEAD_LETTERED, queue=QUEUE)])
    for key, function in (("gone", "payment"), ("event-1", "shipping"), ("event-1", "payment")):
        events.redriven(key, FUNCTIONS[function])
    assert list(events.get("event-1").repairs) == [FUNCTIONS["payment"]]


def test_repair_is_shown_in_the_list_and_among_the_attempts():
    source = FakeSource()
    source.add(CREATED, delivery("payment", Outcome.DEAD_LETTERED, queue=QUEUE, attempt=3))
    source.add(effect())
    with Client(source) as client:
        client.shows("event-effect")
        page = client.part("/?outcome=dead-lettered")
        detail = client.part("/events/event-1")
    assert "event-event-1" in page
    assert "then redriven with success" in page
    assert re.search(
        r"<td>payment</td><td>–</td><td><span class=\"mark redriven\">redriven", detail
    )


def test_event_sent_to_a_function_does_not_name_the_bus():
    source = FakeSource()
    source.add(direct())
    with Client(source) as client:
        assert "sent directly" in client.shows("event-sent")
        detail = client.part("/events/sent")
        why = client.part("/why?event=sent")
    assert "sent it to payment directly" in detail
    assert "to payment directly, without the bus" in why
    assert "never reached" not in detail + why


def test_removed_events_leave_no_trace_of_their_failures():
    events = EventList(most=1)
    events.add([CREATED, delivery("payment", Outcome.DROPPED), bus_event(event_id="next")])
    assert not events._lost
    assert list(events._identities.values()) == [{"next": None}]


def test_event_sent_to_a_function_is_listed_before_its_effect():
    """Its record comes when the function has ended; it was sent before."""
    events = EventList()
    events.add([CREATED, replace(effect(), time="2026-01-01T00:00:02"), direct()])
    lines = list(events.newest_first())
    assert [each.key for each in lines] == ["effect", "sent", "event-1"]
    assert [each.key for each in sorted(lines, key=lambda each: each.first)] == [
        "event-1",
        "sent",
        "effect",
    ]
    assert lines[1].time == "2026-01-01T00:00:01"
    assert lines[1].is_direct
