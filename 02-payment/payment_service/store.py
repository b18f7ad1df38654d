"""The Payments table: a port, and DynamoDB behind it."""

from dataclasses import dataclass
from typing import Any, Protocol

from orderflow.dynamodb import Existing, Item, to_wire, write
from orderflow.errors import TransientError
from orderflow.event import Event
from orderflow.store import Stored

PENDING = "PENDING"
SUCCEEDED = "SUCCEEDED"
DECLINED = "DECLINED"
REFUND_PENDING = "REFUND_PENDING"
REFUNDED = "REFUNDED"

INTENT_MAY_FOLLOW = {PENDING: (PENDING,), REFUND_PENDING: (SUCCEEDED, REFUND_PENDING)}
"""Intent → the statuses it may replace; both may also make the row."""

COUNTED_AS = {PENDING: "attempts", REFUND_PENDING: "refund_attempts"}
"""Intent → the attribute that counts its tries."""

INTENT_OF = {SUCCEEDED: PENDING, DECLINED: PENDING, REFUNDED: REFUND_PENDING}
"""Outcome → the intent it settles."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of the Payments table; `amount` in minor units of `currency`."""

    status: str
    amount: int
    currency: str
    attempts: int
    """How often this row's intent was written: which try this is, from 1."""
    outcome: Event | None
    """The latest outcome: what is published again when the step is repeated."""


@dataclass(frozen=True, slots=True)
class Started:
    """The intent is stored: ask the gateway."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class AlreadyDecided:
    """The intent was not stored: the existing item."""

    payment: Payment


class PaymentStore(Protocol):
    """What the payment service needs of its table.

    The intent is written before the gateway is asked and settled after it has answered: a
    function that dies in between leaves a trace, and the next try uses the same idempotency key.
    """

    def record_intent(
        self, order: dict[str, Any], intent: str, at: str
    ) -> Started | AlreadyDecided:
        """Write an intent (`PENDING` or `REFUND_PENDING`), or count it up if it exists.

        Amount and currency are those of the first event that made the row.
        """
        ...

    def settle(self, outcome: Event) -> Stored:
        """Write an intent's outcome once; a second writer is given the first one's outcome.

        Raises:
            PaymentInProgressError: There is another intent, without an outcome yet.
        """
        ...


class PaymentInProgressError(TransientError):
    """The payment is not decided yet."""


class DynamoPaymentStore:
    """The Payments table in DynamoDB: key `order_id`."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def record_intent(
        self, order: dict[str, Any], intent: str, at: str
    ) -> Started | AlreadyDecided:
        """See `PaymentStore`."""
        may_follow = {f":from{i}": status for i, status in enumerate(INTENT_MAY_FOLLOW[intent])}
        counter = COUNTED_AS[intent]
        answer = self._update(
            order["order_id"],
            "SET #status = :intent, updated_at = :at,"
            " created_at = if_not_exists(created_at, :at),"
            " customer_id = if_not_exists(customer_id, :customer_id),"
            " amount = if_not_exists(amount, :amount),"
            " currency = if_not_exists(currency, :currency)"
            f" ADD {counter} :one",
            f"attribute_not_exists(order_id) OR #status IN ({', '.join(may_follow)})",
            {
                ":intent": intent,
                ":at": at,
                ":customer_id": order["customer_id"],
                ":amount": order["total"],
                ":currency": order["currency"],
                ":one": 1,
                **may_follow,
            },
            returned="ALL_NEW",
        )
        if isinstance(answer, Existing):
            return AlreadyDecided(_payment(answer.item, counter))
        return Started(_payment(answer, counter))

    def settle(self, outcome: Event) -> Stored:
        """See `PaymentStore`."""
        status = outcome.part("payment")["status"]
        answer = self._update(
            outcome.order["order_id"],
            "SET #status = :status, outcome = :outcome, updated_at = :at",
            "#status = :intent",
            {
                ":status": status,
                ":intent": INTENT_OF[status],
                ":outcome": outcome.to_json(),
                ":at": outcome.occurred_at,
            },
        )
        return already_settled(answer.item) if isinstance(answer, Existing) else Stored(outcome)

    def _update(
        self, order_id: str, update: str, condition: str, values: Item, returned: str = "NONE"
    ) -> Item | Existing:
        return write(
            self._dynamodb.update_item,
            TableName=self._table_name,
            Key=to_wire({"order_id": order_id}),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_wire(values),
            ReturnValues=returned,
        )


def already_settled(item: Item) -> Stored:
    """Return the outcome that another writer settled first.

    Raises:
        PaymentInProgressError: There is none.
    """
    if not item.get("outcome"):
        raise PaymentInProgressError(f"the payment is {item.get('status', 'unknown')}")
    return Stored(Event.from_json("PaymentProcessed", item["outcome"]), repeated=True)


def _payment(item: Item, counter: str) -> Payment:
    outcome = item.get("outcome")
    return Payment(
        status=item["status"],
        amount=item["amount"],
        currency=item["currency"],
        attempts=item.get(counter, 0),
        outcome=Event.from_json("PaymentProcessed", outcome) if outcome else None,
    )
