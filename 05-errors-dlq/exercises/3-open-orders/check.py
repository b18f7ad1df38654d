"""What must hold at the end of exercise 05.3."""

import pytest

from orderflow.errors import OrderflowError
from tests.fixtures.events import delivered, example


@pytest.fixture
def open_after(load_handler, dynamodb, context):
    """Deliver events to the tracker; returns the ids in the index of open orders."""
    tracker = load_handler("order_service", "orders", "tracker")

    def deliver(*events):
        for event_type, kind in events:
            try:
                tracker.track(delivered(example(event_type, kind)), context)
            except OrderflowError as error:
                pytest.fail(
                    f"The tracker fails at {event_type}, and no order gets on ({error}). "
                    "Each #name has to be among the names that are given, each of those has to "
                    "occur, and an attribute is either written or removed.",
                    pytrace=False,
                )
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


def test_an_order_on_its_way_is_open(open_after):
    """An order that is on its way can be found when it stands still"""
    for event in (CREATED, PAID, RESERVED):
        assert open_after(event) == ["example-1"], (
            f"The order is on its way, and after {event[0]} the list of open orders does not "
            "have it: should it get stuck, nobody will find it."
        )
