"""Stage 1 as a learner can see it: orders are accepted and published, and can be read."""

import json

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import order_request
from workshop.journeys import logs, order_rows
from workshop.orders import api_client

pytestmark = pytest.mark.deployed


def test_an_order_is_accepted(stack, order):
    """An order sent to the API has its row in the Orders table."""
    assert order_rows.status(stack, order()), "the Orders table has no row: look at make logs"


def test_an_order_is_published(stack, order):
    """OrderCreated goes over the bus and comes back to the tracker."""
    order_id = order()
    eventually(lambda: "order-created" in _tracked(stack, order_id))


def test_an_order_goes_as_far_as_the_stage(stack, order, final_status, expected_status):
    """With nobody to pay it, an order stays CREATED; later stages take it further."""
    assert final_status(order()) == expected_status("CREATED")


def test_an_order_can_be_read(stack, order):
    """GET /orders/{order_id} shows it; GET /customers/{customer_id}/orders lists it."""
    customer_id = new_id("customer")
    order_id = order(customer_id=customer_id)
    read = _get(stack, f"/orders/{order_id}")
    assert (read.status, read.body["order_id"]) == (200, order_id)
    eventually(lambda: [o["order_id"] for o in _orders_of(stack, customer_id)] == [order_id])


def test_a_customers_orders_come_in_pages(stack, order):
    """Three orders in pages of two: the cursor of the first page leads to the second."""
    customer_id = new_id("customer")
    placed = {order(customer_id=customer_id) for _ in range(3)}
    eventually(lambda: len(_orders_of(stack, customer_id)) == 3)
    path = f"/customers/{customer_id}/orders?limit=2"
    first = _get(stack, path).body
    second = _get(stack, f"{path}&cursor={first['cursor']}").body
    assert {o["order_id"] for o in first["orders"] + second["orders"]} == placed
    assert second["cursor"] is None


def test_an_unsigned_request_is_refused(stack):
    """Without a signature the API answers 403."""
    body = json.dumps(order_request())
    assert api_client.call_api(stack, "POST", "/orders", body=body, signed=False).status == 403


def test_the_same_idempotency_key_is_the_same_order(stack, placed):
    """Sent twice with one Idempotency-Key, an order exists once; another body is a conflict."""
    key, request = new_id("key"), order_request(customer_id=new_id("customer"))
    first = api_client.post_order(stack, request, idempotency_key=key)
    placed.add(first.body["order_id"])
    second = api_client.post_order(stack, request, idempotency_key=key)
    other = api_client.post_order(stack, request | {"currency": "USD"}, idempotency_key=key)
    assert (first.status, second.status, other.status) == (201, 200, 409)
    assert first.body["order_id"] == second.body["order_id"]


def test_a_bad_order_gets_all_errors_at_once(stack):
    """A bad order gets one 422 that names every validation error, and nothing is written."""
    customer_id = new_id("customer")
    request = order_request(customer_id=customer_id, currency="XXX")
    request["lines"] = [{"sku": "SPOON", "quantity": 1}]
    answer = api_client.post_order(stack, request)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body["faults"]) == 2
    assert _orders_of(stack, customer_id) == []


def test_a_direct_invoke_places_an_order(stack, placed):
    """The same function takes an order without the API."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.outputs.function_names["order-api"],
        Payload=json.dumps({"order": order_request(customer_id=new_id("customer"))}),
    )
    result = json.loads(answer["Payload"].read())
    placed.add(json.loads(result["body"])["order_id"])
    assert result["statusCode"] == 201
    assert order_rows.status(stack, json.loads(result["body"])["order_id"])


def _get(stack, path):
    return api_client.call_api(stack, "GET", path)


def _orders_of(stack, customer_id):
    return _get(stack, f"/customers/{customer_id}/orders").body["orders"]


def _tracked(stack, order_id):
    hops = logs.hops(stack, order_id)
    return {hop.step.split()[0] for hop in hops if hop.what == "tracked"}
