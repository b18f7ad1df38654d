"""The checks of exercise 03.1."""

import json

import pytest
from inventory_service.app import build

from tests.fixtures.events import delivered, example, of_skus


class Rival:
    """DynamoDB, where another order takes one monitor just before our first write."""

    def __init__(self, dynamodb):
        self._dynamodb = dynamodb
        self._came = False

    def __getattr__(self, name):
        if not self._came and name in ("transact_write_items", "update_item", "put_item"):
            self._came = True
            self._dynamodb.update_item(
                TableName="orderflow-inventory",
                Key={"sku": {"S": "MONITOR"}},
                UpdateExpression="SET on_hand = on_hand - :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        return getattr(self._dynamodb, name)


@pytest.fixture
def shop(environment, dynamodb, bus, context):
    """Set the stock of monitors and reserve for orders; return the results and the stock left."""

    def sell(on_hand, *wanted, rival=False):
        settings = environment("inventory")
        item = {"sku": {"S": "MONITOR"}, "on_hand": {"N": str(on_hand)}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
        app = build(settings, dynamodb=Rival(dynamodb) if rival else dynamodb, events=bus)
        for number, quantity in enumerate(wanted):
            paid = example("PaymentProcessed", "succeeded", order_id=f"order-{number}")
            app.reserve(delivered(of_skus(paid, {"MONITOR": quantity})), context)
        answers = [
            json.loads(each["Detail"])["data"]["inventory"]["status"] for each in bus.entries
        ]
        key = {"sku": {"S": "MONITOR"}}
        left = dynamodb.get_item(TableName="orderflow-inventory", Key=key)["Item"]["on_hand"]["N"]
        return answers, int(left)

    return sell


def test_the_last_unit_stays(shop):
    """The last monitor is not sold"""
    answers, left = shop(1, 1)
    assert (answers, left) == (["OUT_OF_STOCK"], 1), (
        f"There was one monitor. It is not for sale, but an order got {answers[0]}: the stock is "
        f"{left}."
    )


def test_all_other_units_can_be_sold(shop):
    """All other monitors can be sold"""
    answers, left = shop(4, 2, 1)
    assert (answers, left) == (["RESERVED", "RESERVED"], 1), (
        "There were four monitors, and three of them are for sale. The orders for two and for one "
        f"got {' and '.join(answers)}."
    )


def test_stock_taken_after_a_read_is_not_promised(shop):
    """An order is refused if another one takes a monitor just before its write"""
    answers, left = shop(2, 1, rival=True)
    assert (answers, left) == (["OUT_OF_STOCK"], 1), (
        "One of two monitors was for sale. Another order took it just before this order's write, "
        f"but this order still got {' '.join(answers)}: the stock is {left}."
    )


def test_an_order_gets_what_other_orders_leave(shop):
    """An order gets its items if another order leaves enough of them"""
    answers, left = shop(4, 2, rival=True)
    assert (answers, left) == (["RESERVED"], 1), (
        "Another order took one of four monitors, and two more were for sale, but the order for "
        f"two got {' '.join(answers)}."
    )


def test_an_order_for_too_many_units_takes_none(shop):
    """An order for more units than are for sale takes none"""
    answers, left = shop(3, 3)
    assert (answers, left) == (["OUT_OF_STOCK"], 3), (
        f"Three monitors were promised, but one of the three is not for sale: the stock is {left}."
    )
