"""The Inventory table: a port, and DynamoDB behind it.

Two kinds of items share the key `sku`: the stock of a SKU, and one reservation record an order.
They live in one table so that one transaction can write both. A record never expires: without it a
repeated event would take the stock a second time.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import ClientError

from orderflow import aws
from orderflow.backoff import backoff_seconds
from orderflow.dynamodb import Item, from_wire, to_wire
from orderflow.errors import OrderflowError, PermanentError, TransientError
from orderflow.event import Event
from orderflow.store import Stored

Quantities = dict[str, int]

ATTEMPTS = 6
CONDITION_FAILED = "ConditionalCheckFailed"
WORTH_RETRYING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Reasons for a cancelled transaction that go away by themselves."""


class UnknownSkuError(PermanentError):
    """The inventory has no stock item for a SKU."""


class InvalidStockError(PermanentError):
    """A stock item that cannot be right: `on_hand` is no whole number from 0."""


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
            InvalidStockError: A stock item cannot be right.
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
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(backoff_seconds(attempt))
            reasons = self._write(outcome, quantities)
            if not reasons:
                return Stored(outcome)
            record, *stock = reasons
            if record["Code"] == CONDITION_FAILED:
                return _recorded(record)
            # A conflict says nothing about the stock; only a failed condition does.
            if not {reason["Code"] for reason in reasons} & WORTH_RETRYING:
                raise _refusal(quantities, stock)
        raise InventoryBusyError(f"{ATTEMPTS} tries met other writers or a throttle")

    def record_once(self, outcome: Event) -> Stored:
        """See `InventoryStore`."""
        return self.reserve({}, outcome)

    def _write(self, outcome: Event, quantities: Quantities) -> list[Item]:
        """Try once; return nothing when it is written, else why each item was refused."""
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

        def transact(**parameters: Any) -> list[Item]:
            try:
                self._dynamodb.transact_write_items(**parameters)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons: list[Item] = dict(error.response)["CancellationReasons"]
                return reasons
            return []

        items = [{"Put": record}, *({"Update": update} for update in stock)]
        refused: list[Item] = aws.call(transact, TransactItems=items)
        return refused


def record_key(order_id: str) -> str:
    """Return the key of an order's reservation record."""
    return f"reservation#{order_id}"


def _record(outcome: Event, quantities: Quantities) -> Item:
    return {
        "sku": record_key(outcome.order["order_id"]),
        "order_id": outcome.order["order_id"],
        "status": outcome.part("inventory")["status"],
        "quantities": quantities,
        "outcome": outcome.to_json(),
        "recorded_at": outcome.occurred_at,
    }


def _recorded(reason: Item) -> Stored:
    item = from_wire(reason["Item"])
    return Stored(Event.from_json("InventoryUpdated", item["outcome"]), repeated=True)


def _refusal(quantities: Quantities, reasons: list[Item]) -> OrderflowError:
    """Tell a shortage from a stock item that is missing or makes no sense."""
    refused = {
        sku: reason
        for sku, reason in zip(quantities, reasons, strict=True)
        if reason["Code"] != "None"
    }
    unknown = [sku for sku, reason in refused.items() if _is_unknown(reason)]
    if unknown:
        return UnknownSkuError(f"no stock item for {', '.join(unknown)}")
    broken = [sku for sku, reason in refused.items() if not _makes_sense(reason)]
    if broken:
        return InvalidStockError(f"on_hand is not a whole number from 0 of {', '.join(broken)}")
    return OutOfStockError(list(refused))


def _is_unknown(reason: Item) -> bool:
    return reason["Code"] == CONDITION_FAILED and not reason.get("Item")


def _makes_sense(reason: Item) -> bool:
    on_hand = from_wire(reason.get("Item", {})).get("on_hand")
    return isinstance(on_hand, int) and not isinstance(on_hand, bool) and on_hand >= 0
