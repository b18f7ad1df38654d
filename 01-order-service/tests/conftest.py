"""The order service's test fixtures."""

from dataclasses import replace

import pytest
from order_service import status
from order_service.store import DynamoOrderStore, Page, write_cursor


class InMemoryOrderStore:
    """The port `OrderStore` without a table."""

    def __init__(self) -> None:
        self.records = {}

    def put_once(self, record):
        key = record.order["order_id"]
        if key in self.records:
            return self.records[key]
        self.records[key] = record
        return None

    def move_forward(self, record):
        key = record.order["order_id"]
        earlier = self.records.get(key)
        if earlier and status.RANKS[earlier.status] >= status.RANKS[record.status]:
            return False
        self.records[key] = replace(
            earlier or record, status=record.status, updated_at=record.updated_at
        )
        return True

    def get(self, order_id):
        return self.records.get(order_id)

    def of_customer(self, customer_id, limit, cursor):
        mine = [r for r in self.records.values() if r.order["customer_id"] == customer_id]
        mine.sort(key=lambda record: record.order["placed_at"], reverse=True)
        cursors = [write_cursor(record.order) for record in mine]
        start = cursors.index(cursor) + 1 if cursor else 0
        page = mine[start : start + limit]
        more = start + limit < len(mine)
        return Page(page, cursors[start + limit - 1] if more else None)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return InMemoryOrderStore()
    name = request.getfixturevalue("make_table")("orders")
    return DynamoOrderStore(request.getfixturevalue("dynamodb"), name)


@pytest.fixture
def memory_store():
    return InMemoryOrderStore()
