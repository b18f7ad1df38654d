"""What must hold at the end of exercise 03.1."""

import json

import pytest

from tests.fixtures.events import delivered, example, of_skus


class Rival:
    """DynamoDB, where somebody else takes one monitor just before our first write."""

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
def shop(load_handler, dynamodb, bus, context, monkeypatch):
    """Put monitors on the shelf, and reserve for orders; returns their answers and what is left."""
    handler = load_handler("inventory_service", "inventory")

    def sell(on_hand, *wanted, rival=False):
        item = {"sku": {"S": "MONITOR"}, "on_hand": {"N": str(on_hand)}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
        if rival:
            monkeypatch.setattr(handler.store, "_dynamodb", Rival(dynamodb))
        for number, quantity in enumerate(wanted):
            paid = example("PaymentProcessed", "succeeded", order_id=f"order-{number}")
            handler.reserve(delivered(of_skus(paid, {"MONITOR": quantity})), context)
        answers = [
            json.loads(each["Detail"])["data"]["inventory"]["status"] for each in bus.entries
        ]
        key = {"sku": {"S": "MONITOR"}}
        left = dynamodb.get_item(TableName="orderflow-inventory", Key=key)["Item"]["on_hand"]["N"]
        return answers, int(left)

    return sell


def test_the_last_piece_is_sold_once(shop):
    """Two orders want the last monitor: one gets it"""
    answers, left = shop(1, 1, 1)
    assert "RESERVED" in answers, "Nobody got the last monitor, though it lies there."
    assert answers.count("RESERVED") == 1, (
        f"{answers.count('RESERVED')} orders were promised the last monitor: {left} are on hand."
    )
    assert answers == ["RESERVED", "OUT_OF_STOCK"], (
        f"The first order was told {answers[0]}, the second {answers[1]}."
    )


def test_a_look_is_no_promise(shop):
    """Another order takes the last monitor between a look and the taking"""
    answers, left = shop(1, 1, rival=True)
    assert (answers, left) == (["OUT_OF_STOCK"], 0), (
        "One monitor was there when the order looked. Another order took it before this one wrote, "
        f"and this one was told {' '.join(answers)} all the same: {left} are on hand."
    )


def test_what_is_left_over_can_still_be_had(shop):
    """An order that another one overtook gets its goods, if enough are left"""
    answers, left = shop(3, 2, rival=True)
    assert (answers, left) == (["RESERVED"], 0), (
        "Another order took one of three monitors, two were left, and the order for two was told "
        f"{' '.join(answers)}."
    )


def test_an_order_is_not_filled_in_part(shop):
    """An order for more than there is takes nothing"""
    answers, left = shop(2, 3)
    assert (answers, left) == (["OUT_OF_STOCK"], 2), (
        f"Three monitors were promised, and two were there: {left} are on hand."
    )


def test_all_there_is_can_be_sold(shop):
    """What is on the shelf can be sold, to the last piece"""
    answers, left = shop(3, 2, 1)
    assert (answers, left) == (["RESERVED", "RESERVED"], 0), (
        f"There was enough for both orders, and they were told {' and '.join(answers)}."
    )
