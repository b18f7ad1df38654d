"""The order service's test fixtures."""

from dataclasses import fields, replace

import pytest
from order_service import status
from order_service.store import Cursor, DynamoOrderStore, OrderSummary, Page

SUMMARY = ("order_id", "placed_at", "total", "currency")


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
        created = (earlier and earlier.created) or record.created
        if earlier and status.RANKS[earlier.status] >= status.RANKS[record.status]:
            self.records[key] = replace(earlier, created=created)
            return False
        self.records[key] = replace(
            earlier or record, status=record.status, updated_at=record.updated_at, created=created
        )
        return True

    def get(self, order_id):
        return self.records.get(order_id)

    def of_customer(self, customer_id, limit, cursor):
        mine = [r for r in self.records.values() if r.order["customer_id"] == customer_id]
        mine.sort(key=lambda record: record.order["placed_at"], reverse=True)
        cursors = [Cursor(**{f.name: r.order[f.name] for f in fields(Cursor)}) for r in mine]
        start = cursors.index(cursor) + 1 if cursor else 0
        more = start + limit < len(mine)
        summaries = [
            OrderSummary(status=r.status, **{name: r.order[name] for name in SUMMARY})
            for r in mine[start : start + limit]
        ]
        return Page(summaries, cursors[start + limit - 1] if more else None)


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
