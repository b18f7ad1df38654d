"""Stage 5 as a learner can see it: what fails is caught, kept, and brought back."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orderflow.event import Event
from tests.fixtures import ledger
from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example, of_skus
from workshop.orders import api_client, journey

pytestmark = pytest.mark.deployed

EVENTBRIDGE = {"Service": "events.amazonaws.com"}
ALARMS = Path(__file__).parents[2] / "terraform/alarms.json"


@pytest.fixture
def good_order(put, shelf):
    """Put an order on the bus that nothing stands in the way of; returns its id."""

    def place(sku: str = "") -> str:
        order_id = new_id("order")
        put(of_skus(example("OrderCreated", order_id=order_id), {sku or shelf(5): 1}))
        return order_id

    return place


def test_a_gateway_that_recovers_leaves_no_dead_letter(stack, order, ends, recovery, stocked):
    """Unavailable twice, then fine: Lambda's own retries bring the order through."""
    stocked("MOUSE", 100)
    order_id = order(token="tok_unavailable_twice")
    assert ends(order_id) == "SHIPMENT_PREPARED"
    failed = [hop for hop in journey.hops(stack, order_id) if hop.what == "failed"]
    assert [hop.function for hop in failed] == ["payment", "payment"]
    assert recovery.letters(order_id) == []
    ledger.check(stack, order_id)


def test_a_gateway_that_stays_down(stack, put, good_order, ends, recovery, gateway):
    """Charge and refund wait in their queues; gateway back, redrive: each made once."""
    gateway(up=False)
    charge, refund = good_order(), new_id("refund")
    put(example("InventoryUpdated", "out-of-stock", order_id=refund))
    letters = recovery.parked(charge, refund, count=2)
    consumers = {letter["order_id"]: letter["consumer"] for letter in letters}
    assert consumers == {charge: "payment", refund: "payment-refund"}
    for letter in letters:
        assert (letter["queue"], letter["attempts"]) == ("failed", 3)
        assert letter["error"] == "GatewayUnavailableError"
        assert "gateway does not answer" in letter["reason"]
    assert recovery.redrive(order_id=charge)["failed_again"] == 1
    gateway(up=True)
    done = recovery.redrive(error="GatewayUnavailableError")["messages"]
    results = {each["order_id"]: each["result"] for each in done}
    assert (results[charge], results[refund]) == ("redriven", "redriven"), "a failed one stays"
    assert (ends(charge), ends(refund)) == ("SHIPMENT_PREPARED", "REFUNDED")
    recovery.settled()
    left = recovery.redrive(dry_run=True)["messages"]
    assert not [letter for letter in left if letter["order_id"] in (charge, refund)]
    for order_id in (charge, refund):
        ledger.check(stack, order_id)


def test_a_stock_item_that_is_missing(stack, good_order, ends, recovery, stocked):
    """An SKU the inventory does not know: its reason is told; stock it, redrive, shipped."""
    sku = new_id("SKU")
    order_id = good_order(sku)
    (letter,) = recovery.parked(order_id)
    assert (letter["consumer"], letter["error"]) == ("inventory", "UnknownSkuError")
    assert sku in letter["reason"]
    stocked(sku, 3)
    assert recovery.redrive(consumer="inventory", order_id=order_id)["redriven"] == 1
    assert ends(order_id) == "SHIPMENT_PREPARED"
    recovery.settled()
    ledger.check(stack, order_id)
    assert api_client.read_stock(stack, [sku]) == {sku: 2}


def test_out_of_stock_is_no_failure(stack, good_order, ends, recovery, shelf):
    """A business ending: refunded, and no dead letter."""
    order_id = good_order(shelf(0))
    assert ends(order_id) == "REFUNDED"
    recovery.settled()
    assert recovery.letters(order_id) == []
    ledger.check(stack, order_id)


def test_what_breaks_the_contract(put, recovery, forget):
    """Malformed, of an unknown version, oversized: kept in the queues of all it was for."""
    broken = {name: forget(new_id(name)) for name in ("malformed", "version", "oversized")}
    for name, order_id in broken.items():
        event = example("OrderCreated", order_id=order_id)
        put(Event(event.type, BREAK[name](event.detail)))
    letters = recovery.parked(*broken.values(), count=6)
    assert {letter["error"] for letter in letters} == {"InvalidEventError"}
    for name, order_id in broken.items():
        reasons = {
            each["consumer"]: each["reason"] for each in letters if each["order_id"] == order_id
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
    "version": "no such schema_version",
    "oversized": "street must be shorter",
}


def test_a_permission_that_is_missing(stack, good_order, ends, recovery):
    """EventBridge may not invoke: the rule's queue keeps the event, with AWS's attributes."""
    client, name = stack.client("lambda"), stack.invokable("shipping")
    policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    (statement,) = [each for each in policy["Statement"] if each["Principal"] == EVENTBRIDGE]
    client.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        order_id = good_order()
        (letter,) = recovery.parked(order_id)
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=_source_arn(statement),
        )
    assert (letter["consumer"], letter["queue"]) == ("shipping", "undelivered")
    assert letter["error"] == "NO_PERMISSIONS"
    assert recovery.redrive(order_id=order_id)["redriven"] == 1
    assert ends(order_id) == "SHIPMENT_PREPARED"
    ledger.check(stack, order_id)


def _source_arn(statement):
    (condition,) = statement["Condition"].values()
    (arn,) = condition.values()
    return arn


def test_a_function_switched_off(stack, good_order, ends, recovery):
    """Reserved concurrency 0: events go straight to the queue, and nothing is tried."""
    client, name = stack.client("lambda"), stack.outputs.function_names["inventory"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        order_id = good_order()
        (letter,) = recovery.parked(order_id)
        assert recovery.redrive(order_id=order_id)["failed_again"] == 1
    finally:
        client.delete_function_concurrency(FunctionName=name)
    assert (letter["error"], letter["attempts"]) == ("ZeroReservedConcurrency", 0)
    assert recovery.redrive(order_id=order_id)["redriven"] == 1
    assert ends(order_id) == "SHIPMENT_PREPARED"
    ledger.check(stack, order_id)


LOST = {
    # consumer that never gets its event: stock, who publishes it, where the order stands, its end
    "payment": (5, "order-api", "CREATED", "SHIPMENT_PREPARED"),
    "inventory": (5, "payment", "PAID", "SHIPMENT_PREPARED"),
    "shipping": (5, "inventory", "RESERVED", "SHIPMENT_PREPARED"),
    "payment-refund": (0, "inventory", "PAID", "REFUNDED"),
    "order-tracker": (5, "shipping", "CREATED", "SHIPMENT_PREPARED"),
}


@pytest.mark.parametrize("consumer", LOST)
def test_an_event_that_is_lost(stack, order, ends, recovery, without_rule, stocked, consumer):
    """No error, no dead letter, only silence: the reconciler announces the order again."""
    on_hand, after, stuck_at, ending = LOST[consumer]
    stocked("HEADSET", on_hand)
    switch_on = without_rule(consumer)
    order_id = order({"HEADSET": 1})
    eventually(lambda: _published(stack, order_id, "published") >= {after})
    recovery.settled()
    switch_on()
    eventually(lambda: journey.status(stack, order_id) == stuck_at)
    assert recovery.letters(order_id) == []
    assert recovery.reconcile(order_id)["announced"] == 1
    assert ends(order_id) == ending
    recovery.settled()
    ledger.check(stack, order_id)


def test_a_replay_changes_nothing(stack, good_order, ends, recovery, shelf):
    """All events of a finished order once more, from the archive: every row stays as it was."""
    sku, began = shelf(5), datetime.now(UTC)
    order_id = good_order(sku)
    assert ends(order_id) == "SHIPMENT_PREPARED"
    recovery.settled()
    before = journey.rows(stack, order_id)
    _replay(stack, began)
    # On AWS it takes ten minutes until an event has reached the archive.
    eventually(
        lambda: (
            _published(stack, order_id, "published again") >= {"payment", "inventory", "shipping"}
        ),
    )
    recovery.settled()
    assert journey.rows(stack, order_id) == before
    assert api_client.read_stock(stack, [sku]) == {sku: 4}
    assert recovery.letters(order_id) == []
    ledger.check(stack, order_id)


def _published(stack, order_id, what):
    """The functions that published, or published again, an order's events."""
    return {hop.function for hop in journey.hops(stack, order_id) if hop.what == what}


def _replay(stack, began):
    events = stack.client("events")
    bus = events.describe_event_bus(Name=stack.outputs.event_bus_name)["Arn"]
    (archive,) = events.list_archives(EventSourceArn=bus)["Archives"]
    name = archive["ArchiveName"]
    events.start_replay(
        ReplayName=new_id("replay"),
        EventSourceArn=events.describe_archive(ArchiveName=name)["ArchiveArn"],
        EventStartTime=began - timedelta(seconds=5),
        EventEndTime=datetime.now(UTC) + timedelta(seconds=5),
        Destination={"Arn": bus},
    )


def test_an_alarm_goes_off(stack, good_order, recovery, forget, alarm_state):
    """Somebody is told: an event given up is counted for its function, which rings the alarm."""
    inventory, payment = _dropped(stack, "inventory"), _dropped(stack, "payment")
    recovery.parked(forget(good_order(new_id("SKU"))))
    eventually(lambda: _dropped(stack, "inventory") == inventory + 1)
    assert _dropped(stack, "payment") == payment
    eventually(lambda: alarm_state("inventory", "dropped") == "ALARM")


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


@pytest.fixture
def alarm_state(stack):
    """How a consumer's alarm stands. The local cloud, which has none, is given it for the test."""
    cloudwatch, made = stack.client("cloudwatch"), set()

    def state(consumer, alarm):
        function = stack.outputs.function_names[consumer]
        name = f"{function}-{alarm}"
        if stack.target.own:  # it judges an alarm when it is put
            cloudwatch.put_metric_alarm(**_definition(name, function, alarm))
            made.add(name)
        (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return found["StateValue"]

    yield state
    if made:
        cloudwatch.delete_alarms(AlarmNames=sorted(made))


def _definition(name, function, alarm):
    """An alarm as Terraform would make it, from the same list."""
    told = json.loads(ALARMS.read_text("utf-8"))["consumer"][alarm]
    return {
        "AlarmName": name,
        "Namespace": told["namespace"],
        "MetricName": told["metric_name"],
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Statistic": told["statistic"],
        "Period": told["period"],
        "EvaluationPeriods": told["evaluation_periods"],
        "Threshold": told["threshold"],
        "ComparisonOperator": told["comparison"],
    }
