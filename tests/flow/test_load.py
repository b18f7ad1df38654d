"""Many orders at once: each ends, none is lost, nothing happens twice. Only `make test-all`."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Duplicate, Plan
from tests.fixtures import ledger
from tests.fixtures.deployed import new_id
from tests.fixtures.events import example, of_skus, order_request
from workshop.journeys import following, logs, order_rows
from workshop.orders import api_client
from workshop.recovery import dead_letters

pytestmark = pytest.mark.deployed


def test_the_same_order_twenty_times_with_triple_deliveries(stack, cloud, at_once, stock_item):
    """One charge, one reservation, one shipment: four rows, however often it is sent.

    Until the order has shipped, that is: three deliveries of what three deliveries publish would
    go on multiplying for a thousand runs more, and prove nothing new.
    """
    cloud.set_faults(Plan(seed=1, duplicate=Duplicate(share=1.0, copies=3)))
    api_client.set_stock(stack, {"HEADSET": 100})
    request, key = order_request(lines=[{"sku": "HEADSET", "quantity": 2}]), new_id("key")
    request["customer_id"] = new_id("customer")
    answers = at_once(
        lambda _: api_client.post_order(stack, request, idempotency_key=key), range(20)
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 200: 19}
    (order_id,) = {answer.body["order_id"] for answer in answers}
    assert following.wait_until_settled(stack, order_id, seconds=300) == "SHIPMENT_PREPARED"
    cloud.clear_faults()
    assert cloud.wait_idle(300)
    ledger.check(stack, order_id)
    assert api_client.read_stock(stack, ["HEADSET"]) == {"HEADSET": 98}
    published = Counter(
        (hop.step, hop.what) for hop in logs.hops(stack, order_id) if "publish" in hop.what
    )
    firsts = {step: n for (step, what), n in published.items() if what == "published"}
    steps = ("order-created", "payment-succeeded", "stock-reserved", "shipment-prepared")
    assert firsts == dict.fromkeys(steps, 1)


def test_fifty_orders_race_for_twenty_units(
    stack, cloud, at_once, put_event, stock_item, final_status
):
    """Exactly twenty are shipped, thirty are refunded, and no stock is left."""
    sku = stock_item(20)
    order_ids = [new_id("race") for _ in range(50)]
    at_once(
        lambda order_id: put_event(of_skus(example("OrderCreated", order_id=order_id), {sku: 1})),
        order_ids,
    )
    endings = Counter(final_status(order_id) for order_id in order_ids)
    assert endings == {"SHIPMENT_PREPARED": 20, "REFUNDED": 30}
    assert api_client.read_stock(stack, [sku]) == {sku: 0}
    assert cloud.wait_idle(300)
    for order_id in order_ids:
        ledger.check(stack, order_id)


def test_a_burst_of_three_hundred_orders(stack, cloud, at_once, put_event, stock_item):
    """All of them end, and none is lost."""
    sku = stock_item(1000)
    order_ids = [new_id("burst") for _ in range(300)]
    at_once(
        lambda order_id: put_event(of_skus(example("OrderCreated", order_id=order_id), {sku: 1})),
        order_ids,
    )
    assert cloud.wait_idle(300)
    assert {order_rows.status(stack, order_id) for order_id in order_ids} == {"SHIPMENT_PREPARED"}
    assert api_client.read_stock(stack, [sku]) == {sku: 700}
    for order_id in random.Random(7).sample(order_ids, 20):
        ledger.check(stack, order_id)


FAULTS = {
    "seed": 5,
    "duplicate": {"share": 0.2},
    "delay": {"share": 0.2, "seconds": 1.0},
    "drop": {"share": 0.05},
}

ORDERS = (
    [("HEADSET", "tok_approved", "SHIPMENT_PREPARED")] * 150
    + [("HEADSET", "tok_declined", "PAYMENT_DECLINED")] * 20
    + [("HEADSET", "tok_unavailable_twice", "SHIPMENT_PREPARED")] * 20
    + [("MONITOR", "tok_approved", "REFUNDED")] * 10
)


def test_two_hundred_orders_through_injected_faults(stack, recovery):
    """A fifth doubled, a fifth late, one in twenty lost: one reconcile and one redrive heal all."""
    api_client.set_stock(stack, {"HEADSET": 1000, "MONITOR": 0})
    control = Control(stack.target.endpoint_url, timeout=120)
    recovery.reconcile()  # what other tests left open
    recovery.settled()
    control.set_faults(Plan.from_json(FAULTS))
    try:
        with ThreadPoolExecutor(16) as threads:
            order_ids = list(threads.map(lambda kind: _place(stack, *kind[:2]), ORDERS))
        recovery.settled()
    finally:
        control.clear_faults()
    expected = {
        oid: final_status for oid, (_, _, final_status) in zip(order_ids, ORDERS, strict=True)
    }
    stuck = {oid for oid, ending in expected.items() if order_rows.status(stack, oid) != ending}
    assert stuck, "the faults did no harm: the test shows nothing"

    assert recovery.reconcile()["republished"] >= len(stuck)
    recovery.settled()
    recovery.redrive()
    recovery.settled()

    assert {oid: order_rows.status(stack, oid) for oid in order_ids} == expected
    for order_id in order_ids:
        ledger.check(stack, order_id)
    shipped = Counter(ORDERS)["HEADSET", "tok_approved", "SHIPMENT_PREPARED"] + 20
    assert api_client.read_stock(stack, ["HEADSET", "MONITOR"]) == {
        "HEADSET": 1000 - shipped,
        "MONITOR": 0,
    }
    left = dead_letters.look(dead_letters.of(stack).queues)
    assert [dead_letter for dead_letter in left if dead_letter.order_id in expected] == []


def _place(stack, sku, token):
    request = order_request(
        customer_id=new_id("customer"),
        lines=[{"sku": sku, "quantity": 1}],
        payment_method={"token": token},
    )
    answer = api_client.post_order(stack, request, idempotency_key=new_id("key"))
    # 200: the first answer of the table came late, and the SDK's retry found its own write.
    assert answer.status in (200, 201), answer
    return answer.body["order_id"]
