"""The Payments table: a port, and DynamoDB behind it."""

from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from orderflow.dynamodb import Item, from_wire, item_that_won, to_wire
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
class Intent:
    """The row now says what is about to be done; `attempt` counts the tries from 1."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Decided:
    """The row could not take the intent: what stands there instead."""

    status: str
    outcome: Event | None


class PaymentStore(Protocol):
    """What the payment service needs of its table.

    The intent is written before the gateway is asked and settled after it has answered: a
    function that dies in between leaves a trace, and the next try uses the same idempotency key.
    """

    def intend(self, order: dict[str, Any], intent: str, at: str) -> Intent | Decided:
        """Write an intent (`PENDING` or `REFUND_PENDING`), or count it up if it stands there."""
        ...

    def settle(self, outcome: Event) -> Stored:
        """Write an intent's outcome once; a second writer is given the first one's outcome."""
        ...


class DynamoPaymentStore:
    """The Payments table in DynamoDB: key `order_id`."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def intend(self, order: dict[str, Any], intent: str, at: str) -> Intent | Decided:
        """See `PaymentStore`."""
        may_follow = {f":from{i}": status for i, status in enumerate(INTENT_MAY_FOLLOW[intent])}
        answer = self._update(
            order["order_id"],
            "SET #status = :intent, created_at = if_not_exists(created_at, :at), updated_at = :at,"
            " customer_id = :customer_id, amount = :amount, currency = :currency"
            f" ADD {COUNTED_AS[intent]} :one",
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
        )
        return answer if isinstance(answer, Decided) else Intent(attempt=answer[COUNTED_AS[intent]])

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
        if isinstance(answer, Decided) and answer.outcome:
            return Stored(answer.outcome, repeated=True)
        return Stored(outcome)

    def _update(self, order_id: str, update: str, condition: str, values: Item) -> Item | Decided:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_wire({"order_id": order_id}),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=to_wire(values),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            item = item_that_won(error)
            if item is None:
                raise
            outcome = item.get("outcome")
            return Decided(
                status=item["status"],
                outcome=Event.from_json("PaymentProcessed", outcome) if outcome else None,
            )
        return from_wire(answer["Attributes"])
