"""The Points table: a port, and DynamoDB behind it."""

from typing import Any, Protocol

from orderflow.dynamodb import Existing, to_wire, write
from orderflow.event import Event
from orderflow.store import Stored


class PointsStore(Protocol):
    """What the loyalty service needs of its table."""

    def put_once(self, awarded: Event) -> Stored:
        """Write an order's points once; a second writer gets the first one's outcome."""
        ...


class DynamoPointsStore:
    """The Points table in DynamoDB: key `order_id`."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def put_once(self, awarded: Event) -> Stored:
        """See `PointsStore`."""
        order = awarded.order
        points = {
            "order_id": order["order_id"],
            "customer_id": order["customer_id"],
            **awarded.part("loyalty"),
            "outcome": awarded.to_json(),
        }
        answer = write(
            self._dynamodb.put_item,
            TableName=self._table_name,
            Item=to_wire(points),
            ConditionExpression="attribute_not_exists(order_id)",
        )
        if isinstance(answer, Existing):
            return Stored(Event.from_json("PointsAwarded", answer.item["outcome"]), repeated=True)
        return Stored(awarded)
