"""Duplicates, delays and killed functions: nothing is lost, nothing happens twice."""

import random

import pytest

from local_cloud.delivery.delivery_log import Outcome
from local_cloud.delivery.fault_injection import Kill, Plan
from tests.fixtures import ledger
from tests.fixtures.deployed import new_id
from tests.fixtures.events import example, of_skus, order_request
from workshop.journeys import logs, order_rows
from workshop.journeys.waterfall import Kind, Result
from workshop.orders import api_client
from workshop.orders.tables import table_name

pytestmark = pytest.mark.deployed


@pytest.mark.parametrize("key", ["payment", "inventory", "shipping"])
def test_a_function_killed_between_write_and_publish(
    stack, cloud, put_event, stock_item, final_status, key
):
    """Its process dies with the outcome written and nothing published: the retry publishes it."""
    name = stack.outputs.function_names[key]
    cloud.set_faults(Plan(kill_before_publish=Kill(function=name, times=1)))
    order_id = new_id("killed")
    put_event(of_skus(example("OrderCreated", order_id=order_id), {stock_item(3): 1}))
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    assert cloud.wait_idle(300)
    ledger.check(stack, order_id)
    hops = logs.hops(stack, order_id)
    again = [hop.function for hop in hops if hop.what == "published again"]
    outcomes = {each.outcome for each in cloud.deliveries(order_id)}
    late = Outcome.DUPLICATED in outcomes  # an eventually consistent cloud delivers some twice
    assert again == [key] or (late and key in again)
    runs = logs.waterfall(stack, order_id).runs
    killed = next(run for run in runs if run.result is Result.KILLED)
    retry = next(run for run in runs if run.request_id == killed.request_id and run.attempt == 2)
    assert (killed.function, killed.injected, killed.attempt) == (key, True, 1)
    assert (retry.again, retry.result, retry.bars[0].kind) == (True, Result.DELIVERED, Kind.WAIT)


def test_the_refund_killed_between_write_and_publish(
    stack, cloud, put_event, stock_item, final_status
):
    """A refund is repaired in the same way: paid once, published."""
    name = stack.outputs.function_names["payment-refund"]
    cloud.set_faults(Plan(kill_before_publish=Kill(function=name, times=1)))
    order_id = new_id("killed")
    put_event(of_skus(example("OrderCreated", order_id=order_id), {stock_item(0): 1}))
    assert final_status(order_id) == "REFUNDED"
    assert cloud.wait_idle(300)
    ledger.check(stack, order_id)


def test_the_api_killed_between_write_and_publish(stack, cloud, final_status):
    """The customer gets no answer, sends the order again with its key, and it goes through."""
    name = stack.outputs.function_names["order-api"]
    cloud.set_faults(Plan(kill_before_publish=Kill(function=name, times=1)))
    api_client.set_stock(stack, {"HEADSET": 10})
    request, key = order_request(lines=[{"sku": "HEADSET", "quantity": 1}]), new_id("key")
    assert api_client.post_order(stack, request, idempotency_key=key).status >= 500
    second = api_client.post_order(stack, request, idempotency_key=key)
    assert second.status == 200
    assert final_status(second.body["order_id"]) == "SHIPMENT_PREPARED"


def test_events_out_of_order_end_the_same(stack, cloud, put_event, stock_item, final_status):
    """Delayed and overtaken deliveries change nothing about how an order ends."""
    plan = {"seed": 3, "delay": {"share": 0.5, "seconds": 1.0}, "reorder": {"share": 0.5}}
    cloud.set_faults(Plan.from_json(plan))
    sku = stock_item(30)
    order_ids = [new_id("late") for _ in range(10)]
    for order_id in order_ids:
        put_event(of_skus(example("OrderCreated", order_id=order_id), {sku: 1}))
    assert {final_status(order_id) for order_id in order_ids} == {"SHIPMENT_PREPARED"}
    assert cloud.wait_idle(300)
    for order_id in order_ids:
        ledger.check(stack, order_id)


def test_five_hundred_malformed_bodies(stack, at_once):
    """None gets a 5xx, and none leaves a row."""
    chance = random.Random(2026)
    customer_id = new_id("malformed")
    answers = at_once(
        lambda body: api_client.post_order(stack, body),
        [_malformed(chance, customer_id) for _ in range(500)],
    )
    assert {answer.status // 100 for answer in answers} == {4}
    assert all("problem+json" in answer.headers["content-type"] for answer in answers)
    found = stack.client("dynamodb").query(
        TableName=table_name(stack, "orders"),
        IndexName="by-customer",
        KeyConditionExpression="customer_id = :c",
        ExpressionAttributeValues={":c": {"S": customer_id}},
    )
    assert found["Count"] == 0


def _malformed(chance, customer_id):
    """An order body with something wrong, or no order at all."""
    order = order_request(customer_id=customer_id)
    parts = [order, order["ship_to"], order["contact"], order["payment_method"], *order["lines"]]
    scrap = [None, -1, 0, 101, 1.5, "", "x" * 200, [], {}, [[]], True, "\ud800", "\x00"]
    kind = chance.randrange(5)
    if kind == 0:
        return chance.choice(["", "{", "[]", "null", "1e999", "NaN", '"text"', "[" * 5000, "\xff"])
    if kind == 1:
        part = chance.choice(parts)
        required = [name for name in part if name != "phone"]
        part.pop(chance.choice(required))
    elif kind == 2:
        chance.choice(parts)[f"extra{chance.randrange(9)}"] = chance.choice(scrap)
    elif kind == 3:
        order["lines"] = [{"sku": f"SPOON{chance.randrange(9)}", "quantity": 1}]
    else:
        part = chance.choice(parts)
        part[chance.choice(sorted(part))] = chance.choice([v for v in scrap if v != "\x00"])
    return order


def test_nothing_personal_leaves_its_place(stack, cloud, final_status):
    """The e-mail is only in Orders; the address in no log line and no metric."""
    api_client.set_stock(stack, {"HEADSET": 10})
    mail, street = f"{new_id('mail')}@example.org", f"{new_id('street')} Road"
    request = api_client.order_request({"HEADSET": 1})
    request["contact"] = {"email": mail, "phone": "+49 170 5551234"}
    request["ship_to"]["street"] = street
    order_id = api_client.place_order(stack, request)["order_id"]
    final_status(order_id)
    assert cloud.wait_idle(300)
    rows = order_rows.rows(stack, order_id)
    assert {table for table, row in rows.items() if mail in str(row)} == {"orders"}
    assert "5551234" not in str({t: row for t, row in rows.items() if t != "orders"})
    assert {table for table, row in rows.items() if "tok_" in str(row)} == {"orders"}
    # Metrics are log lines too, in CloudWatch's embedded format.
    lines = [line for key in stack.outputs.function_names for line in _log_lines(stack, key)]
    assert any(order_id in line for line in lines)
    assert any("CloudWatchMetrics" in line for line in lines)
    for marker in (mail, street, "5551234", "tok_approved"):
        assert not [line for line in lines if marker in line]
    assert mail not in str(cloud.deliveries())
    assert street not in str(cloud.deliveries())


def _log_lines(stack, key):
    group = f"/aws/lambda/{stack.outputs.function_names[key]}"
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]
