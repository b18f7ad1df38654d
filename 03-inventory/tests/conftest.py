"""The inventory service's test fixtures."""

import pytest
from inventory_service.store import DynamoInventoryStore, OutOfStockError, UnknownSkuError

from orderflow.store import Stored


class InMemoryInventoryStore:
    """The port `InventoryStore` without a table."""

    def __init__(self) -> None:
        self.stock = {}
        self.records = {}

    def reserve(self, quantities, outcome):
        order_id = outcome.order["order_id"]
        if order_id in self.records:
            return Stored(self.records[order_id], repeated=True)
        unknown = [sku for sku in quantities if sku not in self.stock]
        if unknown:
            raise UnknownSkuError(", ".join(unknown))
        missing = [sku for sku, wanted in quantities.items() if self.stock[sku] < wanted]
        if missing:
            raise OutOfStockError(missing)
        for sku, wanted in quantities.items():
            self.stock[sku] -= wanted
        return self.record_once(outcome)

    def record_once(self, outcome):
        order_id = outcome.order["order_id"]
        if order_id in self.records:
            return Stored(self.records[order_id], repeated=True)
        self.records[order_id] = outcome
        return Stored(outcome)


@pytest.fixture(params=["memory", "dynamodb"])
def warehouse(request):
    """A store and a way to set and read stock, for both stores one after the other."""
    if request.param == "memory":
        store = InMemoryInventoryStore()
        return store, store.stock.update, lambda: dict(store.stock)
    name = request.getfixturevalue("make_table")("inventory")
    dynamodb = request.getfixturevalue("dynamodb")
    rows = request.getfixturevalue("rows")

    def fill(stock):
        for sku, on_hand in stock.items():
            item = {"sku": {"S": sku}, "on_hand": {"N": str(on_hand)}}
            dynamodb.put_item(TableName=name, Item=item)

    def read():
        return {row["sku"]: row["on_hand"] for row in rows("inventory") if "on_hand" in row}

    return DynamoInventoryStore(dynamodb, name, sleep=lambda _: None), fill, read
