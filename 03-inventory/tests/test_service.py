"""What the inventory service decides."""

import re
from collections import Counter

import pytest
from botocore.exceptions import ClientError
from inventory_service import service
from inventory_service.store import (
    ATTEMPTS,
    DynamoInventoryStore,
    InvalidStockError,
    InventoryBusyError,
    UnknownSkuError,
)

from orderflow import contract
from tests.fixtures.events import NOW, example, identity


def paid(order_id="example-1", **quantities):
    event = example("PaymentProcessed", "succeeded", order_id=order_id)
    if quantities:
        event.order["lines"] = [
            {"sku": sku, "quantity": quantity, "unit_price": 100}
            for sku, quantity in quantities.items()
        ]
    return event


def reserve(event, store):
    return service.reserve(event, store=store, clock=lambda: NOW)


def status(stored):
    return stored.event.part("inventory")["status"]


def test_all_lines_are_reserved_together(warehouse):
    """One keyboard and two mice leave the stock in one step."""
    store, fill, stock = warehouse
    fill({"KEYBOARD": 5, "MOUSE": 5})
    assert status(reserve(paid(), store)) == "RESERVED"
    assert stock() == {"KEYBOARD": 4, "MOUSE": 3}


@pytest.mark.parametrize(
    ("country", "place"),
    [("DE", "ROTTERDAM"), ("IE", "ROTTERDAM"), ("GB", "CHICAGO"), ("US", "CHICAGO")],
)
def test_reservation_has_the_warehouse_of_its_country(warehouse, country, place):
    """The event is of version 2, and keeps the contract."""
    store, fill, _ = warehouse
    fill({"KEYBOARD": 5, "MOUSE": 5})
    event = paid()
    event.order["ship_to"]["country"] = country
    reserved = reserve(event, store).event
    contract.validate(reserved)
    assert reserved.version == 2
    assert reserved.part("inventory") == {"status": "RESERVED", "warehouse": place}


def test_the_warehouses_know_every_country():
    """Those of the European Union are countries of the contract, each once."""
    pattern = contract.schema(contract.CONTRACTS / "common.v1.json")["definitions"]["country"]
    countries = service.EU.split()
    assert len(countries) == len(set(countries)) == 27
    assert all(re.search(pattern["pattern"], country) for country in countries)


def test_nothing_is_reserved_when_one_line_is_missing(warehouse):
    """A keyboard is missing: the stock stays, and the event names the keyboard."""
    store, fill, stock = warehouse
    fill({"KEYBOARD": 0, "MOUSE": 5})
    stored = reserve(paid(), store)
    contract.validate(stored.event)
    assert stored.event.part("inventory") == {
        "status": "OUT_OF_STOCK",
        "missing_skus": ["KEYBOARD"],
    }
    assert stock() == {"KEYBOARD": 0, "MOUSE": 5}


@pytest.mark.parametrize(("stock", "step"), [(5, "stock-reserved"), (0, "out-of-stock")])
def test_outcome_names_the_payment_as_its_cause(warehouse, stock, step):
    store, fill, _ = warehouse
    fill({"KEYBOARD": stock, "MOUSE": stock})
    event = reserve(paid(), store).event
    expected = ("InventoryUpdated", f"example-1/{step}", "example-1/payment-succeeded", NOW)
    assert identity(event) == expected
    contract.validate(event)


def test_a_repeated_payment_reserves_once(warehouse):
    """The second event finds the stored outcome, and the stock is taken once."""
    store, fill, stock = warehouse
    fill({"KEYBOARD": 5, "MOUSE": 5})
    first, second = reserve(paid(), store), reserve(paid(), store)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.event == second.event
    assert stock() == {"KEYBOARD": 4, "MOUSE": 3}


def test_a_shortage_stays_a_shortage(warehouse):
    """Items that arrive later do not change an order that was refused before."""
    store, fill, stock = warehouse
    fill({"KEYBOARD": 0, "MOUSE": 0})
    refused = reserve(paid(), store)
    fill({"KEYBOARD": 9, "MOUSE": 9})
    again = reserve(paid(), store)
    assert (again.repeated, again.event) == (True, refused.event)
    assert stock() == {"KEYBOARD": 9, "MOUSE": 9}


def test_a_reservation_survives_empty_stock(warehouse):
    """A repeated event of a reserved order says so, even when nothing is left."""
    store, fill, _ = warehouse
    fill({"KEYBOARD": 1, "MOUSE": 2})
    reserve(paid(), store)
    assert status(reserve(paid(), store)) == "RESERVED"


def test_lines_of_the_same_sku_are_added_up(warehouse):
    """Two lines of three units need six."""
    store, fill, stock = warehouse
    fill({"MOUSE": 5})
    event = paid()
    event.order["lines"] = [{"sku": "MOUSE", "quantity": 3, "unit_price": 1}] * 2
    assert status(reserve(event, store)) == "OUT_OF_STOCK"
    assert stock() == {"MOUSE": 5}


def test_an_unknown_sku_cannot_be_processed(warehouse):
    """It is no shortage: the missing record must be fixed first."""
    store, fill, stock = warehouse
    fill({"MOUSE": 5})
    with pytest.raises(UnknownSkuError, match="KEYBOARD"):
        reserve(paid(), store)
    fill({"KEYBOARD": 5})
    assert status(reserve(paid(), store)) == "RESERVED"
    assert stock() == {"KEYBOARD": 4, "MOUSE": 3}


def test_stock_never_falls_below_zero(warehouse):
    """Thirty orders for twenty units: twenty are reserved, ten are not, none are left."""
    store, fill, stock = warehouse
    fill({"MOUSE": 20})
    endings = Counter(status(reserve(paid(f"order-{n}", MOUSE=1), store)) for n in range(30))
    assert endings == {"RESERVED": 20, "OUT_OF_STOCK": 10}
    assert stock() == {"MOUSE": 0}


class Cancelled:
    """Stands for a boto3 client whose transactions are cancelled for the given reasons."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.items = {}
        self.calls = 0

    def transact_write_items(self, TransactItems):  # noqa: N803  (boto3's spelling)
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": ""},
                    "CancellationReasons": [
                        {"Code": code, "Item": self.items.get(index, {})}
                        for index, code in enumerate(answer)
                    ],
                },
                "TransactWriteItems",
            )


CONFLICT = ("None", "TransactionConflict")


def cancelled_store(*answers):
    client = Cancelled(*answers)
    return client, DynamoInventoryStore(client, "inventory", sleep=lambda _: None)


def test_a_conflict_is_no_shortage():
    """Another order was writing the same item: try again, and succeed."""
    client, store = cancelled_store(CONFLICT, ("None", "ThrottlingError"), None)
    assert status(reserve(paid(MOUSE=1), store)) == "RESERVED"
    assert client.calls == 3


def test_a_conflict_beside_a_failed_condition_is_no_shortage_either():
    """While one item is contended the other's refusal may be out of date."""
    mixed = ("None", "TransactionConflict", "ConditionalCheckFailed")
    _, store = cancelled_store(mixed, None)
    assert status(reserve(paid(MOUSE=1, KEYBOARD=1), store)) == "RESERVED"


def test_a_conflict_while_recording_a_shortage_is_tried_again():
    """Two events of one order at once: a conflict is no sign that the other has written."""
    client, store = cancelled_store(
        ("None", "ConditionalCheckFailed"), ("TransactionConflict",), None
    )
    client.items = {1: {"sku": {"S": "MOUSE"}, "on_hand": {"N": "0"}}}
    assert status(reserve(paid(MOUSE=1), store)) == "OUT_OF_STOCK"
    assert client.calls == 3


@pytest.mark.parametrize(
    "on_hand", [None, {"NULL": True}, {"N": "-1"}, {"N": "1.5"}, {"S": "many"}]
)
def test_a_stock_item_that_cannot_be_right_is_an_error(make_table, dynamodb, rows, on_hand):
    """It is no shortage: nobody is refunded because a record is broken."""
    table = make_table("inventory")
    item = {"sku": {"S": "MOUSE"}, **({"on_hand": on_hand} if on_hand else {})}
    dynamodb.put_item(TableName=table, Item=item)
    store = DynamoInventoryStore(dynamodb, table, sleep=lambda _: None)
    with pytest.raises(InvalidStockError, match="MOUSE"):
        reserve(paid(MOUSE=2), store)
    assert [row["sku"] for row in rows("inventory")] == ["MOUSE"]


def test_endless_conflicts_are_left_to_lambda():
    """After a few tries the function fails, and Lambda tries the event again."""
    client, store = cancelled_store(CONFLICT)
    with pytest.raises(InventoryBusyError):
        reserve(paid(MOUSE=1), store)
    assert client.calls == ATTEMPTS
