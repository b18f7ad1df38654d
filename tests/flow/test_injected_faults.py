"""Under pressure, duplicates and sudden death: nothing is lost, nothing happens twice."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Duplicate, Kill, Plan
from tests.fixtures import ledger
from tests.fixtures.deployed import new_id
from tests.fixtures.events import example, of_skus, order_request
from workshop.orders import api_client, journey
from workshop.orders.tables import table_name

pytestmark = pytest.mark.deployed


@pytest.fixture
def cloud(stack):
    """The local cloud's switches; whatever was set is cleared."""
    control = Control(stack.target.endpoint_url, timeout=20)
    yield control
    control.clear_trouble()
    assert control.wait_idle(60)


@pytest.fixture
def at_once():
    """Run a function for every item, up to sixteen at once."""

    def run(function, items):
        with ThreadPoolExecutor(16) as threads:
            return list(threads.map(function, items))

    return run


def test_the_same_order_twenty_times_with_triple_deliveries(stack, cloud, at_once, shelf):
    """One charge, one reservation, one shipment: four rows, however often it is sent.

    Until the order has shipped, that is: three deliveries of what three deliveries publish would
    go on multiplying for a thousand runs more, and prove nothing new.
    """
    cloud.set_trouble(Plan(seed=1, duplicate=Duplicate(share=1.0, copies=3)))
    api_client.set_stock(stack, {"HEADSET": 100})
    request, key = order_request(lines=[{"sku": "HEADSET", "quantity": 2}]), new_id("key")
    request["customer_id"] = new_id("customer")
    answers = at_once(
        lambda _: api_client.post_order(stack, request, idempotency_key=key), range(20)
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 200: 19}
    (order_id,) = {answer.body["order_id"] for answer in answers}
    assert journey.wait_until_still(stack, order_id, seconds=60) == "SHIPMENT_PREPARED"
    cloud.clear_trouble()
    assert cloud.wait_idle(60)
    ledger.check(stack, order_id)
    assert api_client.read_stock(stack, ["HEADSET"]) == {"HEADSET": 98}
    published = Counter(
        (hop.step, hop.what) for hop in journey.hops(stack, order_id) if "publish" in hop.what
    )
    firsts = {step: n for (step, what), n in published.items() if what == "published"}
    steps = ("order-created", "payment-succeeded", "stock-reserved", "shipment-prepared")
    assert firsts == dict.fromkeys(steps, 1)


def test_fifty_orders_race_for_twenty_pieces(stack, cloud, at_once, put, shelf, ends):
    """Exactly twenty are shipped, thirty are refunded, and the shelf is empty."""
    sku = shelf(20)
    order_ids = [new_id("race") for _ in range(50)]
    at_once(
        lambda order_id: put(of_skus(example("OrderCreated", order_id=order_id), {sku: 1})),
        order_ids,
    )
    endings = Counter(ends(order_id, seconds=90) for order_id in order_ids)
    assert endings == {"SHIPMENT_PREPARED": 20, "REFUNDED": 30}
    assert api_client.read_stock(stack, [sku]) == {sku: 0}
    assert cloud.wait_idle(60)
    for order_id in order_ids:
        ledger.check(stack, order_id)


@pytest.mark.parametrize("key", ["payment", "inventory", "shipping"])
def test_a_function_killed_between_write_and_publish(stack, cloud, put, shelf, ends, key):
    """Its process dies with the outcome written and nothing published: the retry publishes it."""
    name = stack.outputs.function_names[key]
    cloud.set_trouble(Plan(kill_before_publish=Kill(function=name, times=1)))
    order_id = new_id("killed")
    put(of_skus(example("OrderCreated", order_id=order_id), {shelf(3): 1}))
    assert ends(order_id, seconds=60) == "SHIPMENT_PREPARED"
    assert cloud.wait_idle(60)
    ledger.check(stack, order_id)
    again = [hop for hop in journey.hops(stack, order_id) if hop.what == "published again"]
    assert [hop.function for hop in again] == [key]


def test_the_refund_killed_between_write_and_publish(stack, cloud, put, shelf, ends):
    """A refund is repaired in the same way: given back once, announced."""
    name = stack.outputs.function_names["payment-refund"]
    cloud.set_trouble(Plan(kill_before_publish=Kill(function=name, times=1)))
    order_id = new_id("killed")
    put(of_skus(example("OrderCreated", order_id=order_id), {shelf(0): 1}))
    assert ends(order_id, seconds=60) == "REFUNDED"
    assert cloud.wait_idle(60)
    ledger.check(stack, order_id)


def test_the_api_killed_between_write_and_publish(stack, cloud, ends):
    """The customer gets no answer, sends the order again with its key, and it goes through."""
    name = stack.outputs.function_names["order-api"]
    cloud.set_trouble(Plan(kill_before_publish=Kill(function=name, times=1)))
    api_client.set_stock(stack, {"HEADSET": 10})
    request, key = order_request(lines=[{"sku": "HEADSET", "quantity": 1}]), new_id("key")
    assert api_client.post_order(stack, request, idempotency_key=key).status >= 500
    second = api_client.post_order(stack, request, idempotency_key=key)
    assert second.status == 200
    assert ends(second.body["order_id"], seconds=60) == "SHIPMENT_PREPARED"


def test_a_burst_of_three_hundred_orders(stack, cloud, at_once, put, shelf):
    """All of them end, none is lost, and the local cloud stays within bounds."""
    sku = shelf(1000)
    order_ids = [new_id("burst") for _ in range(300)]
    at_once(
        lambda order_id: put(of_skus(example("OrderCreated", order_id=order_id), {sku: 1})),
        order_ids,
    )
    assert cloud.wait_idle(180)
    assert {journey.status(stack, order_id) for order_id in order_ids} == {"SHIPMENT_PREPARED"}
    assert api_client.read_stock(stack, [sku]) == {sku: 700}
    status = cloud.status()
    assert status.interpreters <= 40
    if status.server_bytes is not None:
        assert status.server_bytes + status.interpreters_bytes < 4_000_000_000
    for order_id in random.Random(7).sample(order_ids, 20):
        ledger.check(stack, order_id)


def test_events_out_of_order_end_the_same(stack, cloud, put, shelf, ends):
    """Delayed and overtaken deliveries change nothing about how an order ends."""
    plan = {"seed": 3, "delay": {"share": 0.5, "seconds": 1.0}, "reorder": {"share": 0.5}}
    cloud.set_trouble(Plan.from_json(plan))
    sku = shelf(30)
    order_ids = [new_id("late") for _ in range(10)]
    for order_id in order_ids:
        put(of_skus(example("OrderCreated", order_id=order_id), {sku: 1}))
    assert {ends(order_id, seconds=60) for order_id in order_ids} == {"SHIPMENT_PREPARED"}
    assert cloud.wait_idle(60)
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


def test_nothing_personal_leaves_its_place(stack, cloud, ends):
    """The e-mail stands nowhere but in Orders; the address in no log line and no metric."""
    api_client.set_stock(stack, {"HEADSET": 10})
    mail, street = f"{new_id('mail')}@example.org", f"{new_id('street')} Road"
    request = api_client.order_request({"HEADSET": 1})
    request["contact"] = {"email": mail, "phone": "+49 170 5551234"}
    request["ship_to"]["street"] = street
    order_id = api_client.place_order(stack, request)["order_id"]
    ends(order_id)
    assert cloud.wait_idle(60)
    rows = journey.rows(stack, order_id)
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
