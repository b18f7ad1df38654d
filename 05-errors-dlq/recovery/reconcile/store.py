"""The Orders table as the reconciler sees it: a port, and DynamoDB behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from orderflow import aws
from orderflow.dynamodb import from_wire, to_wire
from orderflow.errors import InvalidEventError
from orderflow.event import Event

INDEX = "open-orders"
OPEN = "OPEN"
"""The one key of the sparse index; an order that has ended leaves it."""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order as the index lists it, a moment late."""

    order_id: str
    placed_at: str
    """A contract timestamp; empty for an order that is not from the index."""


@dataclass(frozen=True, slots=True)
class OrderNow:
    """The current state of an order: whether it is open, and its `OrderCreated`."""

    is_open: bool
    created: Event | None = None
    status: str = ""
    placed_at: str = ""


class OpenOrders(Protocol):
    """What the reconciler needs of the Orders table."""

    def placed_until(self, moment: str) -> Iterator[OpenOrder]:
        """Yield the open orders placed up to a contract timestamp, oldest first."""
        ...

    def now(self, order_id: str) -> OrderNow:
        """Return the current state of an order.

        Raises:
            InvalidEventError: What is stored as its `OrderCreated` is no event.
        """
        ...


class DynamoOpenOrders:
    """The Orders table in DynamoDB, read only."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def placed_until(self, moment: str) -> Iterator[OpenOrder]:
        """See `OpenOrders`."""
        start: dict[str, Any] = {}
        while True:
            answer = aws.call(
                self._dynamodb.query,
                TableName=self._table_name,
                IndexName=INDEX,
                KeyConditionExpression="#open = :open AND placed_at <= :moment",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues=to_wire({":open": OPEN, ":moment": moment}),
                **start,
            )
            for item in map(from_wire, answer["Items"]):
                yield OpenOrder(item["order_id"], item["placed_at"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def now(self, order_id: str) -> OrderNow:
        """See `OpenOrders`. Reads nothing that is personal but what the event holds."""
        answer = aws.call(
            self._dynamodb.get_item,
            TableName=self._table_name,
            Key=to_wire({"order_id": order_id}),
            ConsistentRead=True,
            ProjectionExpression="#open, created_event, #status, placed_at",
            ExpressionAttributeNames={"#open": "open", "#status": "status"},
        )
        item = from_wire(answer.get("Item", {}))
        if item.get("open") != OPEN:
            return OrderNow(is_open=False)
        created = _event(item.get("created_event"))
        status, placed_at = (str(item.get(name, "")) for name in ("status", "placed_at"))
        return OrderNow(is_open=True, created=created, status=status, placed_at=placed_at)


def _event(stored: Any) -> Event | None:
    if stored is None:
        return None
    try:
        return Event.from_json("OrderCreated", stored)
    except (ValueError, TypeError, RecursionError):
        raise InvalidEventError("what is stored as its OrderCreated is no event") from None
