"""What must hold at the end of exercise 05.3."""

import pytest
from order_service.tracker_app import build_tracker

from orderflow.errors import OrderflowError
from tests.fixtures.events import delivered, example


@pytest.fixture
def open_after(environment, dynamodb, context):
    """Return a function that delivers events to the tracker and returns the open orders' ids."""
    tracker = build_tracker(environment("orders"), dynamodb=dynamodb)

    def deliver(*events):
        for event_type, kind in events:
            try:
                tracker.track(delivered(example(event_type, kind)), context)
            except OrderflowError as error:
                pytest.fail(
                    f"The tracker fails at {event_type} ({error}). In an update, each #name must "
                    "be among the given names, each given name must be used, and an attribute can "
                    "be either set or removed.",
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
    ("ending", "events"),
    [
        ("was shipped", (CREATED, PAID, RESERVED, SHIPPED)),
        ("was declined", (CREATED, DECLINED)),
        ("was refunded", (CREATED, PAID, REFUNDED)),
    ],
)
def test_an_order_that_has_ended_is_not_open(open_after, ending, events):
    """An order that has ended is no longer open"""
    assert open_after(*events) == [], (
        f"The order {ending}, but it is still in the list of open orders. The reconciler will "
        "publish it again and again."
    )


def test_an_order_on_its_way_is_open(open_after):
    """An order that has not ended is open, so the reconciler can find it"""
    for event in (CREATED, PAID, RESERVED):
        assert open_after(event) == ["example-1"], (
            f"The order has not ended, but after {event[0]} it is not in the list of open orders. "
            "If it stalls, nobody will find it."
        )
