"""The conventional twin: it does what it is compared for, and fails where it is said to fail."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from unittest import mock

import pytest

from devtools.bench import in_process, one_function, under_faults
from devtools.bench.cases import CASES
from devtools.bench.conventional import bundle, cost, dead_letters, flow, in_memory
from workshop.orders.api_client import order_request

REQUEST = order_request({"KEYBOARD": 1, "MOUSE": 2})


@pytest.fixture
def twin():
    with in_memory.running({"KEYBOARD": 10, "MOUSE": 10}) as running:
        yield running


def place(twin, request=REQUEST, key="key-1"):
    order_id = twin.invoke("place", in_memory.order_event(request, key))["order_id"]
    twin.deliver()
    return order_id


def status(twin):
    return [each["status"]["S"] for each in twin.items("orders")]


def on_hand(twin):
    return {each["sku"]["S"]: int(each["on_hand"]["N"]) for each in twin.items("stock")}


def test_the_twin_ships_an_order(twin):
    order_id = place(twin)
    assert status(twin) == ["SHIPPED"]
    assert on_hand(twin) == {"KEYBOARD": 9, "MOUSE": 8}
    for table in ("payments", "reservations", "shipments"):
        assert [each["order_id"]["S"] for each in twin.items(table)] == [order_id]
    assert twin.runs == Counter(place=1, track=4, charge=1, reserve=1, prepare=1)


def test_the_twin_ends_a_declined_order(twin):
    place(twin, order_request({"MOUSE": 1}, token="tok_declined"))
    assert status(twin) == ["PAYMENT_DECLINED"]
    assert not twin.items("reservations")


def test_the_twin_reserves_all_lines_or_none(twin):
    place(twin, order_request({"KEYBOARD": 1, "MOUSE": 11}))
    assert status(twin) == ["OUT_OF_STOCK"]
    assert on_hand(twin) == {"KEYBOARD": 10, "MOUSE": 10}
    assert not twin.items("shipments")


def test_the_twin_processes_a_repeated_event_once(twin):
    """That is what its table of idempotency is for."""
    place(twin)
    place(twin)
    assert len(twin.items("payments")) == len(twin.items("shipments")) == 1
    assert on_hand(twin) == {"KEYBOARD": 9, "MOUSE": 8}


def test_the_twin_loses_an_order_that_put_events_refuses(twin):
    """It does not read FailedEntryCount, and idempotency makes every retry a success."""
    twin.refuses = lambda detail_type: detail_type == "PaymentProcessed"
    place(twin)
    twin.refuses = lambda _: False
    place(twin)
    assert status(twin) == ["CREATED"]
    assert len(twin.items("payments")) == 1


def test_the_twin_refuses_an_invalid_order(twin):
    with pytest.raises(ValueError, match="quantity"):
        place(twin, order_request({"MOUSE": 0}))
    assert not twin.items("orders")


def test_the_twin_makes_two_requests_more_for_each_idempotent_run():
    """What the table of idempotency costs; the tracker, which is idempotent, does without."""
    twin, runs = cost.counted(), 4
    ours = {"DynamoDB": 3 + 1 + 4, "EventBridge": 4, "Lambda": 8}
    assert twin.by_service() == {**ours, "DynamoDB": ours["DynamoDB"] + 2 * runs}
    assert twin.units["idempotency"] == 2 * runs


def test_a_million_orders_of_the_twin_cost_what_its_requests_cost():
    few = cost.counted()
    more = replace(few, units={**few.units, "orders": few.units["orders"] + 10})
    with mock.patch.object(cost, "counted", return_value=more):
        dearer = cost.a_million()
    assert dearer - cost.a_million() == pytest.approx(10 * 0.625)


def test_the_same_orders_go_through_both_sides():
    wanted = under_faults.orders(500)
    assert wanted == under_faults.orders(500) != under_faults.orders(500, seed=2)
    assert len({each.key for each in wanted}) == 500
    scarce = sum("MONITOR" in each.lines for each in wanted)
    assert under_faults.stock_for(wanted)["MONITOR"] == scarce // 2 > 0


@pytest.mark.parametrize("message", ["record", "event"])
def test_a_redrive_finds_the_function_and_the_event_of_a_message(message):
    """Lambda sends a record, EventBridge the event; both come to the one queue."""
    event = {"detail": {"order": {"order_id": "one"}}}
    arn = "arn:aws:lambda:us-east-1:000000000000:function:conventional-charge"
    messages = {
        "record": {
            "Body": json.dumps({"requestContext": {"functionArn": arn}, "requestPayload": event})
        },
        "event": {
            "Body": json.dumps(event),
            "MessageAttributes": {"TARGET_ARN": {"StringValue": arn}},
        },
    }
    assert dead_letters._parts(messages[message]) == (arn, event)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}.{case.function}")
def test_the_twins_function_makes_its_requests_while_it_is_measured(case):
    """Tracer and Idempotency are on, as on Lambda; a refund has no function beside it."""
    twin = in_process._twin(case, {flow.PREFIX: bundle.SHOP.parent})
    if twin is None:
        assert case.function == "refund"
        return
    done = subprocess.run(
        [sys.executable, one_function.__file__, "cold", *twin.arguments],
        env=os.environ | in_process.ENVIRONMENT | twin.variables | {"PYTHONPATH": twin.folder},
        input=json.dumps(twin.event),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    writes = ["TransactWriteItems" if case.function == "reserve" else "PutItem"]
    expected = ["PutItem", *writes, "PutEvents", "UpdateItem"]
    if case.function == "track":
        expected = ["UpdateItem"]
    assert [operation for operation, _ in report["requests"]] == expected
