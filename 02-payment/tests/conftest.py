"""The payment service's test fixtures."""

import pytest
from payment_service.store import (
    COUNTED_AS,
    INTENT_MAY_FOLLOW,
    INTENT_OF,
    Decided,
    DynamoPaymentStore,
    Intent,
)

from orderflow.event import Event
from orderflow.store import Stored


class InMemoryPaymentStore:
    """The port `PaymentStore` without a table."""

    def __init__(self) -> None:
        self.rows: dict[str, dict] = {}

    def intend(self, order, intent, at):
        row = self.rows.setdefault(order["order_id"], {"status": None})
        if row["status"] not in (None, *INTENT_MAY_FOLLOW[intent]):
            return self._decided(row)
        row["status"] = intent
        row[COUNTED_AS[intent]] = row.get(COUNTED_AS[intent], 0) + 1
        return Intent(row[COUNTED_AS[intent]])

    def settle(self, outcome):
        row = self.rows[outcome.order["order_id"]]
        status = outcome.part("payment")["status"]
        if row["status"] != INTENT_OF[status]:
            return Stored(self._decided(row).outcome, repeated=True)
        row.update(status=status, outcome=outcome.to_json())
        return Stored(outcome)

    def _decided(self, row):
        text = row.get("outcome")
        return Decided(row["status"], Event.from_json("PaymentProcessed", text) if text else None)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return InMemoryPaymentStore()
    name = request.getfixturevalue("make_table")("payments")
    return DynamoPaymentStore(request.getfixturevalue("dynamodb"), name)


@pytest.fixture
def memory_store():
    return InMemoryPaymentStore()
