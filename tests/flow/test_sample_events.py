"""Events put on the bus manually: each one starts the rest of the flow."""

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example, of_skus

pytestmark = pytest.mark.deployed

SHIPPED = {
    "orders": "SHIPMENT_PREPARED",
    "payments": "SUCCEEDED",
    "inventory": "RESERVED",
    "shipments": "PREPARED",
}


@pytest.mark.parametrize(
    ("event_type", "name", "missing"),
    [
        ("OrderCreated", "", set()),
        ("PaymentProcessed", "succeeded", {"payments"}),
        ("InventoryUpdated", "reserved", {"payments", "inventory"}),
        ("ShipmentPrepared", "", {"payments", "inventory", "shipments"}),
    ],
)
def test_any_event_sets_off_the_rest(
    put_event, stock_item, final_status, rows_of, event_type, name, missing
):
    """For an order nobody placed, the tables from the event on fill, and Orders ends well."""
    order_id = new_id("manual")
    put_event(of_skus(example(event_type, name, order_id=order_id), {stock_item(5): 1}))
    assert final_status(order_id) == "SHIPMENT_PREPARED"
    statuses = {table: row["status"] for table, row in rows_of(order_id).items()}
    assert statuses == {table: s for table, s in SHIPPED.items() if table not in missing}


@pytest.mark.parametrize(
    ("event_type", "name", "status"),
    [
        ("PaymentProcessed", "declined", "PAYMENT_DECLINED"),
        ("PaymentProcessed", "refunded", "REFUNDED"),
        ("InventoryUpdated", "out-of-stock", "REFUNDED"),
    ],
)
def test_the_bad_endings_can_be_put_manually_too(put_event, final_status, event_type, name, status):
    """A decline, a refund, a stock-out: each ends an order nobody placed."""
    order_id = new_id("manual")
    put_event(example(event_type, name, order_id=order_id))
    assert final_status(order_id) == status


def test_a_broken_event_writes_nothing(stack, rows_of):
    """An event that breaks the contract is refused by every consumer."""
    order_id = new_id("broken")
    event = example("OrderCreated", order_id=order_id)
    event.order["total"] = 0
    stack.client("events").put_events(
        Entries=[
            {
                "Source": "orderflow.order",
                "DetailType": "OrderCreated",
                "Detail": event.to_json(),
                "EventBusName": stack.outputs.event_bus_name,
            }
        ]
    )
    eventually(lambda: _refusals(stack, "payment") and _refusals(stack, "order-tracker"))
    assert rows_of(order_id) == {}


def _refusals(stack, key):
    name = stack.outputs.function_names[key]
    pages = stack.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/aws/lambda/{name}", filterPattern='"InvalidEventError"')
    return [event for page in found for event in page["events"]]
