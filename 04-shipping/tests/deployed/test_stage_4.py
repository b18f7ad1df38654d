"""Stage 4 as a learner can see it: the whole way from the order to the shipment."""

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example
from workshop.journeys import logs
from workshop.orders import api_client
from workshop.orders.tables import table_name

pytestmark = pytest.mark.deployed


def test_an_order_travels_through_all_four_services(stack, order, rows_of, final_status):
    """Placed, paid, reserved, shipped: one row in each of the four tables."""
    api_client.set_stock(stack, {"KEYBOARD": 100})
    order_id = order({"KEYBOARD": 1})
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    rows = rows_of(order_id)
    assert {table: row["status"] for table, row in rows.items()} == {
        "orders": "SHIPMENT_PREPARED",
        "payments": "SUCCEEDED",
        "inventory": "RESERVED",
        "shipments": "PREPARED",
    }


def test_the_journey_names_every_hop(stack, order, final_status):
    """The logs show the whole journey under the order's id, in the order of time."""
    api_client.set_stock(stack, {"KEYBOARD": 100})
    order_id = order({"KEYBOARD": 1})
    final_status(order_id)
    expected = ["order-created", "payment-succeeded", "stock-reserved", "shipment-prepared"]
    eventually(lambda: _published(stack, order_id) == expected)


def test_the_warehouse_has_a_pick_list(stack, put_event):
    """Prepared shipments are found by status, oldest first, without a scan."""
    order_ids = [new_id("manual") for _ in range(3)]
    for order_id in order_ids:
        put_event(example("InventoryUpdated", "reserved", order_id=order_id))
        eventually(lambda order_id=order_id: order_id in _pick_list(stack))
    assert [order_id for order_id in _pick_list(stack) if order_id in order_ids] == order_ids


def test_a_reservation_put_manually_is_shipped(put_event, rows_of, final_status):
    """An InventoryUpdated for an order nobody placed gets its shipment."""
    order_id = new_id("manual")
    put_event(example("InventoryUpdated", "reserved", order_id=order_id))
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    assert rows_of(order_id)["shipments"]["status"] == "PREPARED"


def _published(stack, order_id):
    return [hop.step for hop in logs.hops(stack, order_id) if hop.what == "published"]


def _pick_list(stack):
    pages = (
        stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table_name(stack, "shipments"),
            IndexName="by-status",
            KeyConditionExpression="#status = :prepared",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":prepared": {"S": "PREPARED"}},
        )
    )
    return [item["order_id"]["S"] for page in pages for item in page["Items"]]
