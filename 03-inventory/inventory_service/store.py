"""The Inventory table: a port, and DynamoDB behind it.

Two kinds of items share the key `sku`: the stock of a SKU, and one reservation record an order.
They live in one table so that one transaction can write both.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from botocore.exceptions import ClientError

from orderflow.clock import from_timestamp
from orderflow.dynamodb import Item, from_wire, to_wire
from orderflow.errors import OrderflowError, PermanentError, TransientError
from orderflow.event import Event
from orderflow.store import Stored

Quantities = dict[str, int]

RECORD_LIFETIME = timedelta(days=90)
"""A reservation record must outlive every way an old event can come back: 14 days in a queue."""

CONFLICT_ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05


class UnknownSkuError(PermanentError):
    """The inventory has no stock item for a SKU."""


class InventoryBusyError(TransientError):
    """Other orders kept writing the same stock items."""


class OutOfStockError(OrderflowError):
    """There is not enough of some SKUs; nothing was written."""

    def __init__(self, missing: list[str]) -> None:
        """Take the SKUs there is not enough of."""
        super().__init__(", ".join(missing))
        self.missing = missing


class InventoryStore(Protocol):
    """What the inventory service needs of its table."""

    def reserve(self, quantities: Quantities, outcome: Event) -> Stored:
        """Take all quantities out of stock and record the outcome, together or not at all.

        Raises:
            OutOfStockError: There is not enough of some SKUs.
            UnknownSkuError: There is no stock item for a SKU.
            InventoryBusyError: Other orders were in the way.
        """
        ...

    def record_once(self, outcome: Event) -> Stored:
        """Record an outcome that takes nothing; an order's second writer gets the first one's."""
        ...


class DynamoInventoryStore:
    """The Inventory table in DynamoDB: key `sku`."""

    def __init__(
        self, dynamodb: Any, table_name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Take a boto3 `dynamodb` client and the table's name."""
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._sleep = sleep

    def reserve(self, quantities: Quantities, outcome: Event) -> Stored:
        """See `InventoryStore`."""
        for attempt in range(CONFLICT_ATTEMPTS):
            if attempt:
                self._sleep(FIRST_PAUSE_SECONDS * 2**attempt * random.random())
            reasons = self._write(outcome, quantities)
            if reasons is None:
                return Stored(outcome)
            if reasons[0]["Code"] == "ConditionalCheckFailed":
                return _recorded(reasons[0])
            # A conflict says nothing about the stock; only a failed condition does.
            if all(reason["Code"] in ("None", "ConditionalCheckFailed") for reason in reasons):
                raise _shortage(quantities, reasons[1:])
        raise InventoryBusyError(f"{CONFLICT_ATTEMPTS} tries met other writers or a throttle")

    def record_once(self, outcome: Event) -> Stored:
        """See `InventoryStore`."""
        reasons = self._write(outcome, {})
        return Stored(outcome) if reasons is None else _recorded(reasons[0])

    def _write(self, outcome: Event, quantities: Quantities) -> list[Item] | None:
        """Try once; return None, or why each item of the transaction was refused."""
        table = {"TableName": self._table_name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        record = {
            **table,
            "Item": to_wire(_record(outcome, quantities)),
            "ConditionExpression": "attribute_not_exists(sku)",
        }
        stock = [
            {
                **table,
                "Key": to_wire({"sku": sku}),
                "UpdateExpression": "SET on_hand = on_hand - :quantity",
                "ConditionExpression": "on_hand >= :quantity",
                "ExpressionAttributeValues": to_wire({":quantity": quantity}),
            }
            for sku, quantity in quantities.items()
        ]
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[{"Put": record}, *({"Update": update} for update in stock)]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons: list[Item] = dict(error.response)["CancellationReasons"]
            return reasons
        return None


def record_key(order_id: str) -> str:
    """Return the key of an order's reservation record."""
    return f"reservation#{order_id}"


def _record(outcome: Event, quantities: Quantities) -> Item:
    expires = from_timestamp(outcome.occurred_at) + RECORD_LIFETIME
    return {
        "sku": record_key(outcome.order["order_id"]),
        "order_id": outcome.order["order_id"],
        "status": outcome.part("inventory")["status"],
        "quantities": quantities,
        "outcome": outcome.to_json(),
        "recorded_at": outcome.occurred_at,
        "expires_at": int(expires.timestamp()),
    }


def _recorded(reason: Item) -> Stored:
    item = from_wire(reason["Item"])
    return Stored(Event.from_json("InventoryUpdated", item["outcome"]), repeated=True)


def _shortage(quantities: Quantities, reasons: list[Item]) -> OrderflowError:
    refused = {
        sku: bool(reason.get("Item"))
        for sku, reason in zip(quantities, reasons, strict=True)
        if reason["Code"] == "ConditionalCheckFailed"
    }
    unknown = [sku for sku, has_item in refused.items() if not has_item]
    if unknown:
        return UnknownSkuError(f"no stock item for {', '.join(unknown)}")
    return OutOfStockError(list(refused))
