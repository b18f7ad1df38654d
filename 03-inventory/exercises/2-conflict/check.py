"""The checks of exercise 03.2."""

import json

import pytest
from botocore.exceptions import ClientError
from inventory_service.app import build

from orderflow.errors import TransientError
from tests.fixtures.events import delivered, example


class Busy:
    """DynamoDB, where the first transactions conflict with other writers."""

    def __init__(self, dynamodb, conflicts):
        self._dynamodb = dynamodb
        self.conflicts = conflicts
        self.tries = 0

    def transact_write_items(self, **parameters):
        self.tries += 1
        if self.tries > 50:
            pytest.fail("The function tries without limit, until Lambda stops it. You pay for it.")
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
def reserved(environment, dynamodb, bus, context):
    """Reserve for an order that has some conflicts; return the published statuses."""

    def reserve(on_hand, conflicts):
        busy = Busy(dynamodb, conflicts)
        app = build(environment("inventory"), dynamodb=busy, events=bus, sleep=lambda _: None)
        for sku in ("KEYBOARD", "MOUSE"):
            item = {"sku": {"S": sku}, "on_hand": {"N": str(on_hand)}}
            dynamodb.put_item(TableName="orderflow-inventory", Item=item)
        app.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
        return [json.loads(each["Detail"])["data"]["inventory"]["status"] for each in bus.entries]

    return reserve


def test_orders_that_conflict_get_their_items(reserved):
    """Two orders conflict, there is enough for both, and both get their items"""
    try:
        published = reserved(on_hand=100, conflicts=1)
    except TransientError:
        pytest.fail(
            "Two orders wrote the same stock item once, and now one of them waits a minute for "
            "Lambda. It should try again at once."
        )
    assert published == ["RESERVED"], (
        "Two orders wrote the same stock item, a hundred mice are in stock, and one order got "
        f"{' '.join(published)}: its customer gets a refund."
    )


def test_a_shortage_is_still_one(reserved):
    """An order for items that are not in stock is still refused"""
    try:
        published = reserved(on_hand=0, conflicts=0)
    except TransientError:
        pytest.fail(
            "Nothing is in stock and there was no conflict, but the order is tried again and "
            "again: its customer gets no answer and no refund."
        )
    assert published == ["OUT_OF_STOCK"], (
        f"Nothing is in stock, but what was published is {' '.join(published) or 'nothing'}."
    )


def test_an_order_that_always_conflicts_is_left_to_lambda(reserved, bus):
    """An order that conflicts in every try is left to Lambda's next run"""
    try:
        reserved(on_hand=100, conflicts=10**6)
    except TransientError:
        pass
    except Exception as error:  # noqa: BLE001 - any other error means that something was decided
        pytest.fail(
            f"There was a conflict in every try, but the function raised {type(error).__name__}."
        )
    assert not bus.entries, "There was a conflict in every try, but something was published."
