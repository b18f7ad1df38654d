"""What must hold at the end of exercise 05.3."""

import pytest

from tests.fixtures.events import delivered, example


@pytest.fixture
def open_after(load_handler, dynamodb, context):
    """Deliver events to the tracker; returns the ids in the index of open orders."""
    tracker = load_handler("order_service", "orders", "tracker")

    def deliver(*events):
        for event_type, kind in events:
            tracker.track(delivered(example(event_type, kind)), context)
        found = dynamodb.query(
            TableName="orderflow-orders",
            IndexName="open-orders",
            KeyConditionExpression="#open = :open",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":open": {"S": "OPEN"}},
        )
        return [item["order_id"]["S"] for item in found["Items"]]

    return deliver


CREATED, PAID = ("OrderCreated", ""), ("PaymentProcessed", "succeeded")
RESERVED, SHIPPED = ("InventoryUpdated", "reserved"), ("ShipmentPrepared", "")
DECLINED, REFUNDED = ("PaymentProcessed", "declined"), ("PaymentProcessed", "refunded")


@pytest.mark.parametrize(
    ("told", "events"),
    [
        ("was shipped", (CREATED, PAID, RESERVED, SHIPPED)),
        ("was declined", (CREATED, DECLINED)),
        ("was refunded", (CREATED, PAID, REFUNDED)),
    ],
)
def test_an_order_that_has_ended_is_not_open(open_after, told, events):
    """An order that has ended stands among the open ones no more"""
    assert open_after(*events) == [], (
        f"The order {told}, and still stands in the list of open orders: it will be announced "
        "again and again."
    )


@pytest.mark.parametrize("events", [(CREATED,), (CREATED, PAID), (CREATED, PAID, RESERVED)])
def test_an_order_on_its_way_is_open(open_after, events):
    """An order that is on its way can be found when it stands still"""
    assert open_after(*events) == ["example-1"], (
        "The order is on its way, and the list of open orders does not have it: "
        "should it get stuck, nobody will find it."
    )
