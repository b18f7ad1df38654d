"""Mistakes that people make in such systems, planted into the real code one at a time.

The simulation is trusted only while it finds each of them, and by the invariant that it breaks.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import inventory_service.app
import payment_service.app
import shipping_service.app
from inventory_service import service as inventory_service_module
from inventory_service.store import (
    DynamoInventoryStore,
    OutOfStockError,
    _record,
)
from order_service import app as order_app
from order_service import service as order_service_module
from order_service import store as order_store
from order_service.store import DynamoOrderStore
from payment_service import service as payment_module
from payment_service import store as payment_store
from payment_service.store import DynamoPaymentStore, Started
from recovery.reconcile.store import DynamoOpenOrders
from recovery.redrive import service as redrive_module
from recovery.redrive.service import Attempt, Result
from shipping_service.store import DynamoShipmentStore

import orderflow.event
from orderflow import aws as aws_module
from orderflow import contract, step
from orderflow.dynamodb import to_wire
from orderflow.errors import OrderflowError
from orderflow.event import Event
from orderflow.publisher import Publisher
from orderflow.store import Stored
from orderflow.upcast import newest
from tests.simulation import aws
from tests.simulation.claims import Invariant

STEPS = (payment_service.app, inventory_service.app, shipping_service.app)
"""The modules that run a step of the flow."""


@dataclass(frozen=True)
class Bug:
    """A planted bug.

    Attributes:
        name: What the code does wrong.
        found_by: The invariants that it may break first.
        plant: Changes the code; it is a context manager that changes it back.
    """

    name: str
    found_by: frozenset[Invariant]
    plant: Callable[[], Any]


BUGS: list[Bug] = []


def bug(*found_by: Invariant) -> Callable[[Callable[..., Iterator[None]]], None]:
    """Register a planted bug; its docstring is its name."""

    def register(plant: Callable[..., Iterator[None]]) -> None:
        name = (plant.__doc__ or "").rstrip(".")
        BUGS.append(Bug(name, frozenset(found_by), contextmanager(plant)))

    return register


@contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Replace attributes: (object, name, new value)."""
    with ExitStack() as stack:
        for target, name, new in changes:
            stack.enter_context(mock.patch.object(target, name, new))
        yield


# The order of writing and publishing


@bug(Invariant.DURABLE_FIRST)
def _() -> Iterator[None]:
    """shipping publishes before it writes."""
    put_once = DynamoShipmentStore.put_once

    def publish_first(self: Any, prepared: Event, **row: str) -> Stored:
        publisher = _publishers[-1]
        publisher.publish(prepared)
        return put_once(self, prepared, **row)

    with _remembered_publishers(), replaced((DynamoShipmentStore, "put_once", publish_first)):
        yield


@bug(Invariant.DURABLE_FIRST)
def _() -> Iterator[None]:
    """the order API publishes before it writes."""
    put_once = DynamoOrderStore.put_once

    def publish_first(self: Any, record: Any) -> Any:
        _publishers[-1].publish(record.created)
        return put_once(self, record)

    with _remembered_publishers(), replaced((DynamoOrderStore, "put_once", publish_first)):
        yield


@bug(Invariant.ENDS, Invariant.RECOVERS, Invariant.DONE)
def _() -> Iterator[None]:
    """a step that was done before is skipped as a duplicate."""

    def skipping(raw: Any, decide: Any, publisher: Publisher) -> dict[str, str]:
        with step.logged_failures():
            event = step.receive(raw)
            stored = decide(event)
            if stored.repeated:
                return {"consumed": event.event_id}
            step.publish(stored, publisher)
        return {"consumed": event.event_id, "published": stored.event.event_id}

    with replaced(*((module, "run_step", skipping) for module in STEPS)):
        yield


@bug(Invariant.DONE)
def _() -> Iterator[None]:
    """nobody reads FailedEntryCount: a partial failure counts as published."""

    def publish(self: Any, event: Event) -> None:
        contract.validate(event)
        self._put(_entry(event))

    with replaced((Publisher, "publish", publish)):
        yield


@bug(Invariant.DONE)
def _() -> Iterator[None]:
    """the order API answers 201 although the event was not published."""
    publish = step.publish

    def swallowing(stored: Stored, publisher: Publisher) -> None:
        with suppress(OrderflowError):
            publish(stored, publisher)

    with replaced((order_app, "publish", swallowing)):
        yield


@bug(Invariant.DONE)
def _() -> Iterator[None]:
    """a consumer logs an error and returns, so that nothing is retried."""
    run_step = step.run_step

    def swallowing(raw: Any, decide: Any, publisher: Publisher) -> dict[str, str]:
        try:
            return run_step(raw, decide, publisher)
        except OrderflowError:
            return {"consumed": "?", "published": "?"}

    with replaced(*((module, "run_step", swallowing) for module in STEPS)):
        yield


# Events


@bug(Invariant.ONE_EVENT, Invariant.DURABLE_FIRST)
def _() -> Iterator[None]:
    """an event's id is random instead of order and step."""
    numbers = itertools.count()
    make = orderflow.event._event

    def random_id(*args: Any, **kwargs: Any) -> Event:
        event = make(*args, **kwargs)
        if event.detail["metadata"]["causation_id"] is None:
            return event
        name = "".join(chr(ord("a") + int(digit)) for digit in str(next(numbers)))
        event.detail["metadata"]["event_id"] += f"-{name}"
        return event

    with replaced((orderflow.event, "_event", random_id)):
        yield


@bug(Invariant.DURABLE_FIRST, Invariant.ONE_EVENT)
def _() -> Iterator[None]:
    """a stored outcome of an old version is published in the newest version."""
    publish = step.publish

    def upcast(stored: Stored, publisher: Publisher) -> None:
        publish(replace(stored, event=newest(stored.event)), publisher)

    with replaced((step, "publish", upcast)):
        yield


@bug(Invariant.RECOVERS)
def _() -> Iterator[None]:
    """shipping reads an old version's event as if it were the newest."""
    with replaced((contract, "newest", lambda event: event)):
        yield


@bug(Invariant.DURABLE_FIRST, Invariant.ONE_EVENT)
def _() -> Iterator[None]:
    """a repeated shipment publishes a new event instead of the stored one."""
    put_once = DynamoShipmentStore.put_once

    def renewed(self: Any, prepared: Event, **row: str) -> Stored:
        return replace(put_once(self, prepared, **row), event=prepared)

    with replaced((DynamoShipmentStore, "put_once", renewed)):
        yield


@bug(Invariant.CONTRACT)
def _() -> Iterator[None]:
    """an event is published without validation, and has the customer's contact."""
    first_event = order_service_module.first_event

    def with_contact(event_type: str, name: str, order: Any, own: Any) -> Event:
        contact = {"email": "ada@private.example"}
        return first_event(event_type, name, {**order, "contact": contact}, own)

    def publish(self: Any, event: Event) -> None:
        self._put(_entry(event))

    with replaced(
        (order_service_module, "first_event", with_contact), (Publisher, "publish", publish)
    ):
        yield


@bug(Invariant.PRIVATE)
def _() -> Iterator[None]:
    """the whole event is logged."""
    receive = step.receive

    def logging(raw: Any) -> Event:
        step.logger.info("received", extra={"received": raw})
        return receive(raw)

    with replaced((step, "receive", logging)):
        yield


@bug(Invariant.PRIVATE)
def _() -> Iterator[None]:
    """an error quotes the request that AWS refused."""
    call = aws_module.call

    def quoting(operation: Any, **parameters: Any) -> Any:
        try:
            return call(operation, **parameters)
        except aws_module.AwsRequestError as error:
            raise aws_module.AwsRequestError(f"{error}: {parameters}") from None

    with replaced((aws_module, "call", quoting)):
        yield


# The order


@bug(Invariant.FORWARD)
def _() -> Iterator[None]:
    """a late event sets the status back: it is written without its rank."""
    update = DynamoOrderStore._update

    def unconditional(self: Any, item: Any, **parameters: Any) -> Any:
        if order_store.FORWARD in parameters["condition"]:
            known = "attribute_exists(#status_rank) AND :status_rank > :zero"
            parameters["condition"] = parameters["condition"].replace(order_store.FORWARD, known)
            parameters["values"] = parameters["values"] | {"zero"}
            item = {**item, "zero": 0}
        return update(self, item, **parameters)

    with replaced((DynamoOrderStore, "_update", unconditional)):
        yield


@bug(Invariant.DONE, Invariant.KNOWN, Invariant.ENDS)
def _() -> Iterator[None]:
    """the tracker ignores an order that it has never seen."""
    move_forward = DynamoOrderStore.move_forward

    def known_only(self: Any, record: Any) -> bool:
        return self.get(record.order["order_id"]) is not None and move_forward(self, record)

    with replaced((DynamoOrderStore, "move_forward", known_only)):
        yield


@bug(Invariant.OPEN_INDEX)
def _() -> Iterator[None]:
    """an order that has ended stays in the open index."""
    to_item = order_store._to_item

    def always_open(record: Any) -> Any:
        return {**to_item(record), "open": order_store.OPEN}

    with replaced((order_store, "_to_item", always_open)):
        yield


@bug(Invariant.ONE_ORDER)
def _() -> Iterator[None]:
    """the order id ignores the Idempotency-Key."""

    def random_id(customer_id: str, idempotency_key: str) -> str:
        return f"ord_{random.getrandbits(128):032x}"

    with replaced((order_service_module, "order_id", random_id)):
        yield


# Payment


@bug(Invariant.ONE_CHARGE)
def _() -> Iterator[None]:
    """each try to charge has another idempotency key."""
    request = payment_module.ChargeRequest

    def per_try(**fields: Any) -> Any:
        fields["idempotency_key"] += f"/{fields['attempt']}"
        return request(**fields)

    with replaced((payment_module, "ChargeRequest", per_try)):
        yield


@bug(Invariant.ONE_REFUND)
def _() -> Iterator[None]:
    """each try to refund has another idempotency key."""
    refund = aws.Gateway.refund

    def per_try(self: Any, reference: str, *, idempotency_key: str) -> str:
        key = f"{idempotency_key}/{random.random()}"
        return refund(self, reference, idempotency_key=key)

    with replaced((aws.Gateway, "refund", per_try)):
        yield


@bug(Invariant.ONE_OUTCOME, Invariant.SHIPMENT_EARNED, Invariant.TRUE_STATUS)
def _() -> Iterator[None]:
    """the refund's rule takes reserved orders, too."""
    wrong = {**aws._patterns(), "payment-refund": {"detail-type": ["InventoryUpdated"]}}
    with _patterns_of_bus(wrong):
        yield


@bug(Invariant.RECOVERS)
def _() -> Iterator[None]:
    """the tries of a charge are not counted."""
    record_intent = DynamoPaymentStore.record_intent

    def uncounted(self: Any, order: Any, intent: str, at: str) -> Any:
        found = record_intent(self, order, intent, at)
        return Started(replace(found.payment, attempts=1)) if isinstance(found, Started) else found

    with replaced((DynamoPaymentStore, "record_intent", uncounted)):
        yield


@bug(Invariant.ONE_OUTCOME)
def _() -> Iterator[None]:
    """a payment's outcome is written without a condition: the last one counts."""
    update = DynamoPaymentStore._update

    def unconditional(
        self: Any, order_id: str, text: str, condition: str, values: Any, **rest: Any
    ) -> Any:
        if condition == "#status = :intent":
            condition = "#status <> :intent OR #status = :intent"
        return update(self, order_id, text, condition, values, **rest)

    with replaced((DynamoPaymentStore, "_update", unconditional)):
        yield


@bug(Invariant.ONE_REFUND, Invariant.ONE_OUTCOME)
def _() -> Iterator[None]:
    """a refund does not look whether the order was charged or refunded before."""
    anything = ("PENDING", "SUCCEEDED", "DECLINED", "REFUND_PENDING", "REFUNDED")
    changed = {**payment_store.INTENT_MAY_FOLLOW, "REFUND_PENDING": anything}
    with replaced((payment_store, "INTENT_MAY_FOLLOW", changed)):
        yield


@bug(Invariant.BALANCE)
def _() -> Iterator[None]:
    """a refund is recorded without asking the gateway."""

    def never_asked(self: Any, reference: str, *, idempotency_key: str) -> str:
        return "ch_0123456789abcdef"

    with replaced((aws.Gateway, "refund", never_asked)):
        yield


# Inventory


@bug(Invariant.STOCK, Invariant.NO_NEGATIVE_STOCK)
def _() -> Iterator[None]:
    """stock and reservation are written one after the other."""

    def apart(self: Any, outcome: Event, quantities: dict[str, int]) -> list[Any]:
        for sku, quantity in quantities.items():
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_wire({"sku": sku}),
                UpdateExpression="SET on_hand = on_hand - :quantity",
                ExpressionAttributeValues=to_wire({":quantity": quantity}),
            )
        self._dynamodb.put_item(
            TableName=self._table_name, Item=to_wire(_record(outcome, quantities))
        )
        return []

    with replaced((DynamoInventoryStore, "_write", apart)):
        yield


def _transaction(change: Callable[[list[dict[str, Any]]], None]) -> Iterator[None]:
    """Change the items of each reservation's transaction."""
    write = DynamoInventoryStore._write

    class Changing:
        def __init__(self, dynamodb: Any) -> None:
            self._dynamodb = dynamodb

        def transact_write_items(self, TransactItems: Any) -> Any:  # noqa: N803
            change(TransactItems)
            return self._dynamodb.transact_write_items(TransactItems=TransactItems)

    def changed(self: Any, outcome: Event, quantities: dict[str, int]) -> list[Any]:
        other = DynamoInventoryStore(Changing(self._dynamodb), self._table_name)
        return write(other, outcome, quantities)

    with replaced((DynamoInventoryStore, "_write", changed)):
        yield


@bug(Invariant.NO_NEGATIVE_STOCK)
def _() -> Iterator[None]:
    """stock is taken without looking how much there is."""

    def unlimited(items: list[dict[str, Any]]) -> None:
        for item in items[1:]:
            item["Update"].pop("ConditionExpression")

    yield from _transaction(unlimited)


@bug(Invariant.ONE_RESERVATION, Invariant.STOCK)
def _() -> Iterator[None]:
    """a repeated event takes the stock again: the reservation has no condition."""

    def again(items: list[dict[str, Any]]) -> None:
        items[0]["Put"].pop("ConditionExpression")

    yield from _transaction(again)


@bug(Invariant.NO_FALSE_SHORTAGE)
def _() -> Iterator[None]:
    """a transaction conflict counts as a shortage."""
    write = DynamoInventoryStore._write

    def short(self: Any, outcome: Event, quantities: dict[str, int]) -> list[Any]:
        reasons = write(self, outcome, quantities)
        if any(each["Code"] == "TransactionConflict" for each in reasons) and quantities:
            raise OutOfStockError(list(quantities))
        return reasons

    with replaced((DynamoInventoryStore, "_write", short)):
        yield


@bug(Invariant.SHIPMENT_EARNED, Invariant.BALANCE, Invariant.TRUE_STATUS)
def _() -> Iterator[None]:
    """the inventory's rule takes declined payments, too."""
    wrong = {**aws._patterns(), "inventory": {"detail-type": ["PaymentProcessed"]}}
    with _patterns_of_bus(wrong):
        yield


@bug(Invariant.WHOLE_RESERVATION)
def _() -> Iterator[None]:
    """two lines of one SKU count as one."""

    def last_line(paid: Event) -> dict[str, int]:
        return {line["sku"]: line["quantity"] for line in paid.order["lines"]}

    with replaced((inventory_service_module, "quantities", last_line)):
        yield


# Shipping


@bug(Invariant.ONE_SHIPMENT)
def _() -> Iterator[None]:
    """a shipment is written again with each event."""

    def put(self: Any, prepared: Event, **row: str) -> Stored:
        item = {
            "order_id": prepared.order["order_id"],
            **prepared.part("shipment"),
            **row,
            "outcome": prepared.to_json(),
        }
        self._dynamodb.put_item(TableName=self._table_name, Item=to_wire(item))
        return Stored(prepared)

    with replaced((DynamoShipmentStore, "put_once", put)):
        yield


# Recovery


def _redriving(work: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Let the redrive do something else with a message that it can read."""

    def attempt(dead_letter: Any, queues: Any, consumers: Any) -> Attempt:
        if dead_letter.event is None:
            return Attempt(dead_letter, Result.UNRECOGNISED)
        work(dead_letter, queues, consumers)
        return Attempt(dead_letter, Result.REDRIVEN)

    with replaced((redrive_module, "_attempt", attempt)):
        yield


@bug(Invariant.ACCEPTED_FIRST)
def _() -> Iterator[None]:
    """a redrive deletes a message before its consumer has it."""

    def work(dead_letter: Any, queues: Any, consumers: Any) -> None:
        queues.delete(dead_letter)
        consumers.invoke(dead_letter.consumer, dead_letter.event)

    yield from _redriving(work)


@bug(Invariant.ACCEPTED_FIRST)
def _() -> Iterator[None]:
    """a redrive deletes a message although its consumer failed."""

    def work(dead_letter: Any, queues: Any, consumers: Any) -> None:
        consumers.invoke(dead_letter.consumer, dead_letter.event)
        queues.delete(dead_letter)

    yield from _redriving(work)


@bug(Invariant.EMPTY_QUEUES)
def _() -> Iterator[None]:
    """a redrive leaves the messages that its consumers accepted."""
    with replaced((aws.QueuesPort, "delete", lambda self, dead_letter: None)):
        yield


@bug(Invariant.RIGHT_CONSUMER)
def _() -> Iterator[None]:
    """a redrive sends every message to the first consumer."""

    def work(dead_letter: Any, queues: Any, consumers: Any) -> None:
        if consumers.invoke("payment", dead_letter.event) is None:
            queues.delete(dead_letter)

    yield from _redriving(work)


@bug(Invariant.RECOVERS, Invariant.ENDS)
def _() -> Iterator[None]:
    """the reconciler forgets orders that are paid."""
    now = DynamoOpenOrders.now

    def unpaid_only(self: Any, order_id: str) -> Any:
        found = now(self, order_id)
        return replace(found, is_open=found.is_open and found.status == "CREATED")

    with replaced((DynamoOpenOrders, "now", unpaid_only)):
        yield


# Helpers

_publishers: list[Publisher] = []


@contextmanager
def _remembered_publishers() -> Iterator[None]:
    """Remember the newest publisher, for a store that publishes."""
    begin = Publisher.__init__

    def remembering(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        _publishers.append(self)

    with replaced((Publisher, "__init__", remembering)):
        yield
    _publishers.clear()


@contextmanager
def _patterns_of_bus(patterns: dict[str, dict[str, Any]]) -> Iterator[None]:
    """Give every bus other patterns."""
    begin = aws.Bus.__init__

    def changed(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **{**kwargs, "patterns": patterns})

    with replaced((aws.Bus, "__init__", changed)):
        yield


def _entry(event: Event) -> dict[str, str]:
    return {
        "Source": contract.source(event.type),
        "DetailType": event.type,
        "Detail": event.to_json(),
        "EventBusName": "orderflow-bus",
    }
