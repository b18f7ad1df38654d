"""The Shipments table: a port, and DynamoDB behind it."""

from typing import Any, Protocol

from orderflow.dynamodb import Existing, to_wire, write
from orderflow.event import Event
from orderflow.store import Stored


class ShipmentStore(Protocol):
    """What the shipping service needs of its table."""

    def put_once(self, prepared: Event, *, warehouse: str) -> Stored:
        """Write an order's shipment once; a second writer gets the first one's outcome.

        Args:
            prepared: The outcome.
            warehouse: Where the items are picked.
        """
        ...


class DynamoShipmentStore:
    """The Shipments table in DynamoDB: key `order_id`, index `by-status` for the pick list."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def put_once(self, prepared: Event, *, warehouse: str) -> Stored:
        """See `ShipmentStore`."""
        order = prepared.order
        shipment = {
            "order_id": order["order_id"],
            **prepared.part("shipment"),
            "warehouse": warehouse,
            "ship_to": order["ship_to"],
            "items": [{"sku": ln["sku"], "quantity": ln["quantity"]} for ln in order["lines"]],
            "outcome": prepared.to_json(),
        }
        answer = write(
            self._dynamodb.put_item,
            TableName=self._table_name,
            Item=to_wire(shipment),
            ConditionExpression="attribute_not_exists(order_id)",
        )
        if isinstance(answer, Existing):
            earlier = Event.from_json("ShipmentPrepared", answer.item["outcome"])
            return Stored(earlier, repeated=True)
        return Stored(prepared)
