"""The payment service's test fixtures."""

import pytest
from payment_service.store import (
    COUNTED_AS,
    INTENT_MAY_FOLLOW,
    INTENT_OF,
    AlreadyDecided,
    DynamoPaymentStore,
    Payment,
    Started,
    already_settled,
)

from orderflow.event import Event
from orderflow.store import Stored


class InMemoryPaymentStore:
    """The port `PaymentStore` without a table."""

    def __init__(self) -> None:
        self.rows: dict[str, dict] = {}

    def record_intent(self, order, intent, at):
        fresh = {"status": None, "amount": order["total"], "currency": order["currency"]}
        row = self.rows.setdefault(order["order_id"], fresh)
        counter = COUNTED_AS[intent]
        if row["status"] not in (None, *INTENT_MAY_FOLLOW[intent]):
            return AlreadyDecided(self._payment(row, counter))
        row["status"] = intent
        row[counter] = row.get(counter, 0) + 1
        return Started(self._payment(row, counter))

    def settle(self, outcome):
        row = self.rows.get(outcome.order["order_id"], {})
        status = outcome.part("payment")["status"]
        if row.get("status") != INTENT_OF[status]:
            return already_settled(row)
        row.update(status=status, outcome=outcome.to_json())
        return Stored(outcome)

    def _payment(self, row, counter):
        text = row.get("outcome")
        outcome = Event.from_json("PaymentProcessed", text) if text else None
        return Payment(row["status"], row["amount"], row["currency"], row.get(counter, 0), outcome)


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
