"""The Orders table: a port, and DynamoDB behind it."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from order_service import status
from orderflow import aws
from orderflow.dynamodb import Existing, Item, from_wire, to_wire, write
from orderflow.event import Event

OPEN = "OPEN"
"""The one key of the sparse index `open-orders`; an order that has ended leaves the index."""

FORWARD = "#status_rank < :status_rank"
"""The condition that a status never moves back."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One row of the Orders table."""

    order: dict[str, Any]
    status: str
    updated_at: str
    contact: dict[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    """Hash of the request; None when the order came as an event that somebody put on the bus."""
    created: Event | None = None
    """The `OrderCreated` to publish again when the step is repeated."""


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """What a list of orders shows of each: what the index carries, and nothing personal."""

    order_id: str
    placed_at: str
    status: str
    total: int
    currency: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last order of a page, after which the next page begins."""

    customer_id: str
    order_id: str
    placed_at: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a customer's orders, newest first, and where the next page begins."""

    orders: list[OrderSummary]
    next_cursor: Cursor | None


class OrderStore(Protocol):
    """What the order service needs of its table."""

    def put_once(self, record: OrderRecord) -> OrderRecord | None:
        """Write a new order; return the one already there, or None if this write was first."""
        ...

    def move_forward(self, record: OrderRecord) -> bool:
        """Set the order's status if its rank is higher; make the row if there is none.

        Returns:
            False if the order already had this status or a later one.
        """
        ...

    def get(self, order_id: str) -> OrderRecord | None:
        """Return an order, or None."""
        ...

    def list_by_customer(self, customer_id: str, limit: int, cursor: Cursor | None) -> Page:
        """Return up to `limit` of a customer's orders, newest first."""
        ...


class DynamoOrderStore:
    """The Orders table in DynamoDB: key `order_id`, indexes `by-customer` and `open-orders`."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name

    def put_once(self, record: OrderRecord) -> OrderRecord | None:
        """See `OrderStore`."""
        answer = write(
            self._dynamodb.put_item,
            TableName=self._table_name,
            Item=to_wire(_to_item(record)),
            ConditionExpression="attribute_not_exists(order_id)",
        )
        return _from_item(answer.item) if isinstance(answer, Existing) else None

    def move_forward(self, record: OrderRecord) -> bool:
        """See `OrderStore`."""
        item = _to_item(record)
        answer = self._move(item, set(), FORWARD)
        if isinstance(answer, Existing) and not answer.item:
            # Nobody placed this order: its item is created from the event.
            kept = item.keys() - _moving(item) - {"order_id"}
            answer = self._move(item, kept, f"attribute_not_exists(order_id) OR {FORWARD}")
        if not isinstance(answer, Existing):
            return True
        if record.created and "created_event" not in answer.item:
            # It came after its followers: the row is there, but not yet what can be sent again.
            self._update(
                item,
                names={"created_event"},
                values={"created_event"},
                update="SET #created_event = :created_event",
                condition="attribute_not_exists(#created_event)",
            )
        return False

    def get(self, order_id: str) -> OrderRecord | None:
        """See `OrderStore`."""
        answer = aws.call(
            self._dynamodb.get_item,
            TableName=self._table_name,
            Key=to_wire({"order_id": order_id}),
            ConsistentRead=True,
        )
        return _from_item(from_wire(answer["Item"])) if "Item" in answer else None

    def list_by_customer(self, customer_id: str, limit: int, cursor: Cursor | None) -> Page:
        """See `OrderStore`."""
        start = {"ExclusiveStartKey": to_wire(asdict(cursor))} if cursor else {}
        answer = aws.call(
            self._dynamodb.query,
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
            orders=[_summary(from_wire(item)) for item in answer["Items"]],
            next_cursor=Cursor(**from_wire(last)) if last else None,
        )

    def _move(self, item: Item, kept: set[str], condition: str) -> Item | Existing:
        """Set the status; the attributes in `kept` only where the item has none."""
        moving = _moving(item)
        sets = [f"#{name} = :{name}" for name in sorted(moving)]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in sorted(kept)]
        return self._update(
            item,
            names=moving | kept | {"open"},
            values=moving | kept,
            update="SET " + ", ".join(sets) + ("" if "open" in item else " REMOVE #open"),
            condition=condition,
        )

    def _update(
        self, item: Item, *, names: set[str], values: set[str], update: str, condition: str
    ) -> Item | Existing:
        return write(
            self._dynamodb.update_item,
            TableName=self._table_name,
            Key=to_wire({"order_id": item["order_id"]}),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=to_wire({f":{name}": item[name] for name in values}),
        )


def _to_item(record: OrderRecord) -> Item:
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


def _moving(item: Item) -> set[str]:
    """Return the attributes that change with the status."""
    return {"status", "status_rank", "updated_at"} | ({"open"} & item.keys())


def _summary(item: Item) -> OrderSummary:
    return OrderSummary(**{field.name: item[field.name] for field in fields(OrderSummary)})


_ORDER_FIELDS = (
    "order_id",
    "customer_id",
    "placed_at",
    "lines",
    "total",
    "currency",
    "ship_to",
)


def _from_item(item: Item) -> OrderRecord:
    event = item.get("created_event")
    return OrderRecord(
        order={name: item[name] for name in _ORDER_FIELDS},
        status=item["status"],
        updated_at=item["updated_at"],
        contact=item.get("contact", {}),
        fingerprint=item.get("fingerprint"),
        created=Event.from_json("OrderCreated", event) if event else None,
    )
