"""What must hold at the end of exercise 03.1."""

import json

import pytest

from tests.fixtures.events import delivered, example, of_skus


@pytest.fixture
def shop(load_handler, dynamodb, bus, context):
    """Put monitors on the shelf, and reserve for orders; returns their answers and what is left."""
    handler = load_handler("inventory_service", "inventory")

    def sell(on_hand, *wanted):
        item = {"sku": {"S": "MONITOR"}, "on_hand": {"N": str(on_hand)}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
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
    assert answers == ["RESERVED", "OUT_OF_STOCK"]


def test_an_order_is_not_filled_in_part(shop):
    """An order for more than there is takes nothing"""
    answers, left = shop(2, 3)
    assert (answers, left) == (["OUT_OF_STOCK"], 2), (
        f"Three monitors were promised, and two were there: {left} are on hand."
    )


def test_a_look_is_no_promise(load_handler, dynamodb, bus, context, monkeypatch):
    """Another order takes the last monitor between a look and the taking"""
    handler = load_handler("inventory_service", "inventory")
    key = {"sku": {"S": "MONITOR"}}
    dynamodb.put_item(TableName="orderflow-inventory", Item=key | {"on_hand": {"N": "1"}})

    class Rival:
        """DynamoDB, where somebody else is faster by a moment."""

        def __getattr__(self, name):
            return getattr(dynamodb, name)

        def transact_write_items(self, **parameters):
            dynamodb.update_item(
                TableName="orderflow-inventory",
                Key=key,
                UpdateExpression="SET on_hand = :none",
                ExpressionAttributeValues={":none": {"N": "0"}},
            )
            return dynamodb.transact_write_items(**parameters)

    monkeypatch.setattr(handler.store, "_dynamodb", Rival())
    paid = example("PaymentProcessed", "succeeded")
    handler.reserve(delivered(of_skus(paid, {"MONITOR": 1})), context)
    (entry,) = bus.entries
    told = json.loads(entry["Detail"])["data"]["inventory"]["status"]
    assert told == "OUT_OF_STOCK", (
        "The last monitor was there when somebody looked, and gone when it was taken: two orders "
        "were promised it."
    )


def test_all_there_is_can_be_sold(shop):
    """What is on the shelf can be sold, to the last piece"""
    answers, left = shop(3, 2, 1)
    assert (answers, left) == (["RESERVED", "RESERVED"], 0), (
        f"There was enough for both orders, and they were told {' and '.join(answers)}."
    )
