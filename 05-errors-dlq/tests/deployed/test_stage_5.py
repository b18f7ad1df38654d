"""Stage 5 as a learner can see it: what fails is caught, kept, and redriven."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from orderflow.event import Event
from tests.fixtures import ledger
from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example, of_skus
from workshop.journeys import logs, order_rows
from workshop.orders import api_client
from workshop.recovery import replaying
from workshop.recovery.replaying import Range

pytestmark = pytest.mark.deployed

EVENTBRIDGE = {"Service": "events.amazonaws.com"}
ALARMS = Path(__file__).parents[2] / "terraform/alarms.json"


@pytest.fixture
def good_order(put_event, stock_item):
    """Put an order on the bus that can be shipped; return its id."""

    def place(sku: str = "") -> str:
        order_id = new_id("order")
        put_event(of_skus(example("OrderCreated", order_id=order_id), {sku or stock_item(5): 1}))
        return order_id

    return place


# The first test: an alarm is OK again a minute after its queue is empty.
def test_an_alarm_rings_for_exactly_the_queue_with_dead_letters(
    stack, good_order, recovery, delete_after_test
):
    """The alarms of the empty queues are OK: each watches its own queue."""
    recovery.dead_lettered(delete_after_test(good_order(new_id("SKU"))))
    failed = stack.outputs.function_names["inventory"] + "-failed-waiting"

    def rings_exactly() -> bool:
        states = _alarm_states(stack)
        full = _queues_with_messages(stack)
        waiting = {name for name in states if name.endswith("-waiting")}
        ringing = {name for name in waiting if states[name] == "ALARM"}
        quiet = {name for name in waiting if states[name] == "OK"}
        return failed in ringing and (ringing, quiet) == (full, waiting - full)

    eventually(rings_exactly)


def test_a_gateway_that_recovers_leaves_no_dead_letter(
    stack, order, final_status, recovery, stocked
):
    """Unavailable twice, then fine: Lambda's own retries bring the order through."""
    stocked("MOUSE", 100)
    order_id = order(token="tok_unavailable_twice")
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    failed = [hop for hop in logs.hops(stack, order_id) if hop.what == "failed"]
    assert [hop.function for hop in failed] == ["payment", "payment"]
    assert recovery.dead_letters(order_id) == []
    ledger.check(stack, order_id)


def test_a_gateway_that_stays_down(stack, put_event, good_order, final_status, recovery, gateway):
    """Charge and refund wait in their queues; gateway back, redrive: each made once."""
    gateway(up=False)
    charge, refund = good_order(), new_id("refund")
    put_event(example("InventoryUpdated", "out-of-stock", order_id=refund))
    dead_letters = recovery.dead_lettered(charge, refund, count=2)
    consumers = {dead_letter["order_id"]: dead_letter["consumer"] for dead_letter in dead_letters}
    assert consumers == {charge: "payment", refund: "payment-refund"}
    for dead_letter in dead_letters:
        assert (dead_letter["queue"], dead_letter["attempts"]) == ("failed", 3)
        assert dead_letter["error"] == "GatewayUnavailableError"
        assert "gateway does not answer" in dead_letter["reason"]
    assert recovery.redrive(order_id=charge)["failed_again"] >= 1
    gateway(up=True)
    done = recovery.redrive(error="GatewayUnavailableError")["messages"]
    results = {each["order_id"]: each["result"] for each in done}
    assert (results[charge], results[refund]) == ("redriven", "redriven"), "a failed one stays"
    assert (final_status(charge), final_status(refund)) == ("SHIPMENT_PREPARED", "REFUNDED")
    recovery.settled()
    left = recovery.redrive(dry_run=True)["messages"]
    assert not [dead_letter for dead_letter in left if dead_letter["order_id"] in (charge, refund)]
    for order_id in (charge, refund):
        ledger.check(stack, order_id)


def test_a_stock_item_that_is_missing(stack, good_order, final_status, recovery, stocked):
    """An unknown SKU: the dead letter has the reason; stock it, redrive, shipped."""
    sku = new_id("SKU")
    order_id = good_order(sku)
    (dead_letter,) = recovery.dead_lettered(order_id)
    assert (dead_letter["consumer"], dead_letter["error"]) == ("inventory", "UnknownSkuError")
    assert sku in dead_letter["reason"]
    stocked(sku, 3)
    assert recovery.redrive(consumer="inventory", order_id=order_id)["redriven"] >= 1
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    recovery.settled()
    ledger.check(stack, order_id)
    assert api_client.read_stock(stack, [sku]) == {sku: 2}


def test_out_of_stock_is_no_failure(stack, good_order, final_status, recovery, stock_item):
    """A business ending: refunded, and no dead letter."""
    order_id = good_order(stock_item(0))
    assert final_status(order_id) == "REFUNDED"
    recovery.settled()
    assert recovery.dead_letters(order_id) == []
    ledger.check(stack, order_id)


def test_what_breaks_the_contract(put_event, recovery, delete_after_test):
    """Malformed, of an unknown version, oversized: kept in the queues of all it was for."""
    broken = {
        name: delete_after_test(new_id(name)) for name in ("malformed", "version", "oversized")
    }
    for name, order_id in broken.items():
        event = example("OrderCreated", order_id=order_id)
        put_event(Event(event.type, BREAK[name](event.detail)))
    dead_letters = recovery.dead_lettered(*broken.values(), count=6)
    assert {dead_letter["error"] for dead_letter in dead_letters} == {"InvalidEventError"}
    for name, order_id in broken.items():
        reasons = {
            each["consumer"]: each["reason"]
            for each in dead_letters
            if each["order_id"] == order_id
        }
        assert reasons.keys() == {"payment", "order-tracker"}, name
        assert all(REASON[name] in reason for reason in reasons.values()), reasons
    again = recovery.redrive(error="InvalidEventError", consumer="payment")["messages"]
    stayed = {each["order_id"] for each in again if each["result"] == "failed_again"}
    assert stayed >= set(broken.values()), "what cannot be processed stays"


def _malformed(detail):
    del detail["data"]["order"]["lines"]
    return detail


def _version(detail):
    detail["metadata"]["schema_version"] = 99
    return detail


def _oversized(detail):
    detail["data"]["order"]["ship_to"]["street"] = "x" * 150_000
    return detail


BREAK = {"malformed": _malformed, "version": _version, "oversized": _oversized}
REASON = {
    "malformed": "order must contain",
    "version": "no schema of this schema_version",
    "oversized": "street must be shorter",
}


def test_a_permission_that_is_missing(stack, good_order, final_status, recovery):
    """EventBridge may not invoke: the rule's queue keeps the event, with AWS's attributes."""
    client, name = stack.client("lambda"), stack.invokable("shipping")
    policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    (statement,) = [each for each in policy["Statement"] if each["Principal"] == EVENTBRIDGE]
    client.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        order_id = good_order()
        (dead_letter,) = recovery.dead_lettered(order_id)
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=_source_arn(statement),
        )
    assert (dead_letter["consumer"], dead_letter["queue"]) == ("shipping", "undelivered")
    assert dead_letter["error"] == "NO_PERMISSIONS"
    assert recovery.redrive(order_id=order_id)["redriven"] >= 1
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    ledger.check(stack, order_id)


def _source_arn(statement):
    (condition,) = statement["Condition"].values()
    (arn,) = condition.values()
    return arn


def test_a_function_switched_off(stack, good_order, final_status, recovery):
    """Reserved concurrency 0: events go straight to the queue, and nothing is tried."""
    client, name = stack.client("lambda"), stack.outputs.function_names["inventory"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        order_id = good_order()
        (dead_letter,) = recovery.dead_lettered(order_id)
        assert recovery.redrive(order_id=order_id)["failed_again"] >= 1
    finally:
        client.delete_function_concurrency(FunctionName=name)
    assert (dead_letter["error"], dead_letter["attempts"]) == ("ZeroReservedConcurrency", 0)
    assert recovery.redrive(order_id=order_id)["redriven"] >= 1
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    ledger.check(stack, order_id)


def test_events_of_both_versions_are_redriven(stack, put_event, final_status, recovery, rows_of):
    """An old dead letter is read as the newest version; what is sent now goes as it is."""
    client, name = stack.client("lambda"), stack.outputs.function_names["shipping"]
    old, new = (
        example("InventoryUpdated", "reserved", order_id=new_id("version"), version=n)
        for n in (1, 2)
    )
    new.part("inventory")["warehouse"] = "CHICAGO"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        put_event(old)
        put_event(new)
        order_ids = [event.correlation_id for event in (old, new)]
        recovery.dead_lettered(*order_ids, count=2)
    finally:
        client.delete_function_concurrency(FunctionName=name)
    for order_id, warehouse in zip(order_ids, ("ROTTERDAM", "CHICAGO"), strict=True):
        assert recovery.redrive(order_id=order_id)["redriven"] >= 1
        assert final_status(order_id) == "SHIPMENT_PREPARED"
        assert rows_of(order_id)["shipments"]["warehouse"] == warehouse


LOST = {
    # consumer that never gets its event: stock, who publishes it, the order's status, its end
    "payment": (5, "order-api", "CREATED", "SHIPMENT_PREPARED"),
    "inventory": (5, "payment", "PAID", "SHIPMENT_PREPARED"),
    "shipping": (5, "inventory", "RESERVED", "SHIPMENT_PREPARED"),
    "payment-refund": (0, "inventory", "PAID", "REFUNDED"),
    "order-tracker": (5, "shipping", "CREATED", "SHIPMENT_PREPARED"),
}


@pytest.mark.parametrize("consumer", LOST)
def test_an_event_that_is_lost(
    stack, order, final_status, recovery, without_rule, stocked, consumer
):
    """No error, no dead letter, only silence: the reconciler re-publishes the order."""
    on_hand, after, stuck_at, ending = LOST[consumer]
    stocked("HEADSET", on_hand)
    switch_on = without_rule(consumer)
    order_id = order({"HEADSET": 1})
    eventually(lambda: after in _published(stack, order_id, "published"))
    recovery.settled()
    switch_on()
    eventually(lambda: order_rows.status(stack, order_id) == stuck_at)
    assert recovery.dead_letters(order_id) == []
    assert recovery.reconcile(order_id)["republished"] == 1
    assert final_status(order_id) == ending
    recovery.settled()
    ledger.check(stack, order_id)


def test_a_replay_changes_nothing(stack, good_order, final_status, recovery, stock_item):
    """All events of a finished order again, from the archive: every row stays as it was."""
    sku, began = stock_item(5), datetime.now(UTC)
    order_id = good_order(sku)
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    again = partial(_published, stack, order_id, "published again")
    recovery.settled()
    before = order_rows.rows(stack, order_id)
    earlier = again()
    events = Range(began - timedelta(seconds=5), datetime.now(UTC) + timedelta(seconds=5))
    replaying.replay(stack, events)
    # On AWS it takes ten minutes until an event has reached the archive.
    eventually(lambda: set(again() - earlier) == {"payment", "inventory", "shipping"})
    recovery.settled()
    assert order_rows.rows(stack, order_id) == before
    assert api_client.read_stock(stack, [sku]) == {sku: 4}
    assert recovery.dead_letters(order_id) == []
    ledger.check(stack, order_id)


def test_replay_to_one_function_reaches_no_other(
    stack, good_order, final_status, recovery, stock_item
):
    """A replay to one function reaches no other one."""
    sku, began = stock_item(5), datetime.now(UTC)
    order_id = good_order(sku)
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    again = partial(_published, stack, order_id, "published again")
    recovery.settled()
    earlier = again()  # of events that arrived twice
    events = Range(began - timedelta(seconds=5), datetime.now(UTC) + timedelta(seconds=5))
    replaying.replay(stack, events, "shipping")
    eventually(lambda: again() - earlier)
    recovery.settled()
    assert set(again() - earlier) == {"shipping"}


def _published(stack, order_id, what):
    """Count by function how often it published, or published again, an order's events."""
    return Counter(hop.function for hop in logs.hops(stack, order_id) if hop.what == what)


def test_an_alarm_goes_off(stack, good_order, recovery, delete_after_test):
    """Somebody is alerted: an event given up is counted for its function, and the alarm rings."""
    inventory, payment = _dropped(stack, "inventory"), _dropped(stack, "payment")
    recovery.dead_lettered(delete_after_test(good_order(new_id("SKU"))))
    eventually(lambda: _dropped(stack, "inventory") > inventory)
    assert _dropped(stack, "payment") == payment
    dropped = stack.outputs.function_names["inventory"] + "-dropped"
    eventually(lambda: _alarm_states(stack)[dropped] == "ALARM")


def _alarm_states(stack):
    """Return each alarm's state, by the alarm's name."""
    prefix = stack.outputs.function_names["inventory"].removesuffix("inventory")
    pages = stack.client("cloudwatch").get_paginator("describe_alarms")
    return {
        alarm["AlarmName"]: alarm["StateValue"]
        for page in pages.paginate(AlarmNamePrefix=prefix)
        for alarm in page["MetricAlarms"]
    }


def _queues_with_messages(stack):
    """Return the names of the alarms of the queues in which messages wait."""
    sqs, found = stack.client("sqs"), set()
    for queues in stack.outputs.dead_letter_queue_urls.values():
        for url in queues.values():
            count = sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]["ApproximateNumberOfMessages"]
            if int(count):
                found.add(url.rpartition("/")[2] + "-waiting")
    return found


def _dropped(stack, consumer):
    """The events that Lambda gave up for a function, as the alarm's own metric counts them."""
    alarm = json.loads(ALARMS.read_text("utf-8"))["consumer"]["dropped"]
    function = stack.outputs.function_names[consumer]
    points = stack.client("cloudwatch").get_metric_statistics(
        Namespace=alarm["namespace"],
        MetricName=alarm["metric_name"],
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=datetime.now(UTC) - timedelta(hours=3),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=alarm["period"],
        Statistics=[alarm["statistic"]],
    )["Datapoints"]
    return sum(point[alarm["statistic"]] for point in points)
