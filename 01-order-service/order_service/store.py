"""The Orders table: a port, and DynamoDB behind it."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from order_service import status
from order_service.errors import MalformedRequestError
from orderflow.dynamodb import from_wire, item_that_won, to_wire
from orderflow.event import Event

OPEN = "OPEN"
"""The one key of the sparse index `open-orders`; an order that has ended leaves the index."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One row of the Orders table."""

    order: dict[str, Any]
    status: str
    updated_at: str
    contact: dict[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    """Hash of the request; None when the order came as an event put on the bus by hand."""
    created: Event | None = None
    """The `OrderCreated` to publish again when the step is repeated."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a customer's orders, newest first, and the cursor of the next page."""

    orders: list[OrderRecord]
    cursor: str | None


class OrderStore(Protocol):
    """What the order service needs of its table."""

    def put_once(self, record: OrderRecord) -> OrderRecord | None:
        """Write a new order; return the one already there, or None if this write was first."""
        ...

    def move_forward(self, record: OrderRecord) -> bool:
        """Set the order's status if its rank is higher; make the row if there is none.

        Returns:
            False if the order already stood there or beyond.
        """
        ...

    def get(self, order_id: str) -> OrderRecord | None:
        """Return an order, or None."""
        ...

    def of_customer(self, customer_id: str, limit: int, cursor: str | None) -> Page:
        """Return up to `limit` of a customer's orders, newest first.

        Raises:
            MalformedRequestError: The cursor is not one that a page of this customer gave.
        """
        ...


class DynamoOrderStore:
    """The Orders table in DynamoDB: key `order_id`, indexes `by-customer` and `open-orders`."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def put_once(self, record: OrderRecord) -> OrderRecord | None:
        """See `OrderStore`."""
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item=to_wire(_to_item(record)),
                ConditionExpression="attribute_not_exists(order_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            item = item_that_won(error)
            if item is None:
                raise
            return _from_item(item)
        return None

    def move_forward(self, record: OrderRecord) -> bool:
        """See `OrderStore`."""
        item = _to_item(record)
        moving = {"status", "status_rank", "updated_at"}
        kept = [name for name in item if name not in moving | {"order_id", "open"}]
        sets = [f"#{name} = :{name}" for name in sorted(moving)]
        # What the order service wrote itself stands; an order it has never seen gets its row.
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in kept]
        values = {name: item[name] for name in (*kept, *moving)}
        if "open" in item:
            sets.append("#open = :open")
            values["open"] = item["open"]
        expression = "SET " + ", ".join(sets) + ("" if "open" in item else " REMOVE #open")
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_wire({"order_id": item["order_id"]}),
                UpdateExpression=expression,
                ConditionExpression="attribute_not_exists(order_id) OR #status_rank < :status_rank",
                ExpressionAttributeNames={f"#{name}": name for name in {*values, "open"}},
                ExpressionAttributeValues={f":{k}": v for k, v in to_wire(values).items()},
            )
        except ClientError as error:
            if item_that_won(error) is None:
                raise
            return False
        return True

    def get(self, order_id: str) -> OrderRecord | None:
        """See `OrderStore`."""
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=to_wire({"order_id": order_id}), ConsistentRead=True
        )
        return _from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def of_customer(self, customer_id: str, limit: int, cursor: str | None) -> Page:
        """See `OrderStore`."""
        start = {"ExclusiveStartKey": to_wire(_read_cursor(cursor, customer_id))} if cursor else {}
        answer = self._dynamodb.query(
            TableName=self._table_name,
            IndexName="by-customer",
            KeyConditionExpression="customer_id = :customer",
            ExpressionAttributeValues=to_wire({":customer": customer_id}),
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        return Page(
            orders=[_from_item(from_wire(item)) for item in answer["Items"]],
            cursor=write_cursor(from_wire(last)) if last else None,
        )


CURSOR_KEYS = ("customer_id", "order_id", "placed_at")


def write_cursor(key: dict[str, str]) -> str:
    """Return an index key as an opaque cursor."""
    text = json.dumps([key[name] for name in CURSOR_KEYS], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, customer_id: str) -> dict[str, str]:
    try:
        values = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        key = dict(zip(CURSOR_KEYS, values, strict=True))
    except (ValueError, TypeError):
        key = {}
    if not all(isinstance(value, str) and value for value in key.values()) or (
        key.get("customer_id") != customer_id
    ):
        raise MalformedRequestError("cursor must be one that an earlier page gave")
    return key


def _to_item(record: OrderRecord) -> dict[str, Any]:
    rank = status.RANKS[record.status]
    item = {
        **record.order,
        "status": record.status,
        "status_rank": rank,
        "updated_at": record.updated_at,
        "contact": record.contact or None,
        "fingerprint": record.fingerprint,
        "created_event": record.created.to_json() if record.created else None,
        "open": OPEN if rank < status.FINAL_RANK else None,
    }
    return {name: value for name, value in item.items() if value is not None}


_ORDER_FIELDS = (
    "order_id",
    "customer_id",
    "placed_at",
    "lines",
    "total",
    "currency",
    "ship_to",
)


def _from_item(item: dict[str, Any]) -> OrderRecord:
    event = item.get("created_event")
    return OrderRecord(
        order={name: item[name] for name in _ORDER_FIELDS},
        status=item["status"],
        updated_at=item["updated_at"],
        contact=item.get("contact", {}),
        fingerprint=item.get("fingerprint"),
        created=Event.from_json("OrderCreated", event) if event else None,
    )
