"""What must hold at the end of exercise 03.2."""

import json

import pytest
from botocore.exceptions import ClientError

from orderflow.errors import TransientError
from tests.fixtures.events import delivered, example


class Busy:
    """DynamoDB, with others writing the stock items for so many transactions."""

    def __init__(self, dynamodb, conflicts):
        self._dynamodb = dynamodb
        self.conflicts = conflicts
        self.tries = 0

    def transact_write_items(self, **parameters):
        self.tries += 1
        if self.tries > 50:
            pytest.fail("The function tries for ever; Lambda will cut it off, and pay for it.")
        if self.tries > self.conflicts:
            return self._dynamodb.transact_write_items(**parameters)
        items = parameters["TransactItems"]
        reasons = [{"Code": "None"}, *({"Code": "TransactionConflict"} for _ in items[1:])]
        answer = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": reasons,
        }
        raise ClientError(answer, "TransactWriteItems")


@pytest.fixture
def reserved(load_handler, dynamodb, monkeypatch, bus, context):
    """Reserve for an order that meets others so often; returns what was published."""
    handler = load_handler("inventory_service", "inventory")
    monkeypatch.setattr(handler.store, "_sleep", lambda _: None)

    def reserve(on_hand, conflicts):
        for sku in ("KEYBOARD", "MOUSE"):
            item = {"sku": {"S": sku}, "on_hand": {"N": str(on_hand)}}
            dynamodb.put_item(TableName="orderflow-inventory", Item=item)
        monkeypatch.setattr(handler.store, "_dynamodb", Busy(dynamodb, conflicts))
        handler.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
        return [json.loads(each["Detail"])["data"]["inventory"]["status"] for each in bus.entries]

    return reserve


def test_orders_that_meet_get_their_goods(reserved):
    """Two orders want the same goods in the same moment, and there is enough for both"""
    try:
        told = reserved(on_hand=100, conflicts=1)
    except TransientError:
        pytest.fail(
            "Two orders met at the shelf once, and one of them has to wait a minute for Lambda. "
            "They had only to try again at once."
        )
    assert told == ["RESERVED"], (
        "Two orders met at the shelf, where a hundred mice lie, and one of them was told "
        f"{' '.join(told)}: its customer is refunded."
    )


def test_a_shortage_is_still_one(reserved):
    """What is not there is told as missing"""
    try:
        told = reserved(on_hand=0, conflicts=0)
    except TransientError:
        pytest.fail(
            "The shelf is empty, nobody was in the way, and the order is tried again and again: "
            "its customer is told nothing, and gets no money back."
        )
    assert told == ["OUT_OF_STOCK"], (
        f"The shelf is empty, and the order was told {' '.join(told) or 'nothing'}."
    )


def test_nobody_waits_for_ever(reserved, bus):
    """An order that meets others again and again is left to Lambda's next try"""
    try:
        reserved(on_hand=100, conflicts=10**6)
    except TransientError:
        pass
    except Exception as error:  # noqa: BLE001 - any other means that something was decided
        pytest.fail(
            f"Others were in the way every time, and it was told as {type(error).__name__}."
        )
    assert not bus.entries, "Others were in the way every time, and yet something was decided."
