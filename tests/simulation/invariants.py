"""What must hold in every run, whatever fails: each invariant has a name.

Most are checked at every step, the others when everything has come to rest.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from order_service import status
from payment_service.gateway import ChargeRequest

from orderflow import contract
from orderflow.dynamodb import from_wire
from orderflow.errors import InvalidEventError
from orderflow.event import Event
from tests.simulation.aws import Message, Queues
from tests.simulation.claims import Invariant
from tests.simulation.dynamodb import Dynamodb, Item
from tests.simulation.world import Ending, Process, Violation
from workshop.stages import flow

_PAYMENT_STEPS = {
    None: {"PENDING", "REFUND_PENDING"},
    "PENDING": {"PENDING", "SUCCEEDED", "DECLINED"},
    "SUCCEEDED": {"REFUND_PENDING"},
    "REFUND_PENDING": {"REFUND_PENDING", "REFUNDED"},
}
"""The status of a payment's row → those that may follow."""

RECORD = "reservation#"


@dataclass
class Expected:
    """What a scenario knows of an order.

    Attributes:
        endless: Whether nothing ends it: its gateway never answers.
        accepted: Whether the API has answered that it is accepted.
        total: Its total in minor units.
    """

    endless: bool = False
    accepted: bool = False
    total: int = 0


@dataclass
class Invariants:
    """Observes a run; see `Observer`. Raises `Violation`.

    Attributes:
        stock: The initial stock: SKU → units.
        orders: Order id → what is expected of it.
        personal: Texts that no log line may have.
    """

    tables: Dynamodb
    stock: Mapping[str, int]
    orders: dict[str, Expected] = field(default_factory=lambda: defaultdict(Expected))
    personal: tuple[str, ...] = ()
    outcomes: set[str] = field(default_factory=set)
    on_bus: dict[str, str] = field(default_factory=dict)
    step_ids: dict[tuple[str, str, str], str] = field(default_factory=dict)
    charges: Counter[str] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    # Observer

    def written(self, table: str, old: Item, new: Item) -> None:
        """See `Observer`."""
        for name in ("outcome", "created_event"):
            if name in new:
                self.outcomes.add(new[name]["S"])
        check = {
            "orders": self._order_written,
            "payments": self._payment_written,
            "inventory": self._inventory_written,
            "shipments": self._shipment_written,
        }[table]
        check(old, new)

    def published(self, entry: Mapping[str, Any], *, by: str) -> None:
        """See `Observer`."""
        if not by:
            return
        detail = entry["Detail"]
        event = Event.from_json(entry["DetailType"], detail)
        if self.on_bus.get(event.event_id) == detail:
            return
        try:
            contract.validate(event)
        except InvalidEventError as error:
            self._fail(Invariant.CONTRACT, str(error))
        if detail not in self.outcomes:
            self._fail(Invariant.DURABLE_FIRST, f"{by} published {event.event_id}")
        if event.step not in flow().steps:
            self._fail(Invariant.ONE_EVENT, f"{by} published the unknown step {event.step}")
        step = (event.correlation_id, event.type, _decision(event))
        known = self.step_ids.setdefault(step, event.event_id)
        if known != event.event_id or self.on_bus.setdefault(event.event_id, detail) != detail:
            self._fail(Invariant.ONE_EVENT, f"{by} published {event.event_id} otherwise before")

    def charged(self, request: ChargeRequest) -> None:
        """See `Observer`."""
        self.charges[request.reference] += request.amount
        if self.charges[request.reference] != self.orders[request.reference].total:
            self._fail(
                Invariant.ONE_CHARGE,
                f"{request.reference}: {self.charges[request.reference]} is charged",
            )

    def refunded(self, reference: str) -> None:
        """See `Observer`."""
        self.refunds[reference] += self.orders[reference].total
        if self.refunds[reference] > self.charges[reference]:
            self._fail(Invariant.ONE_REFUND, f"{reference}: {self.refunds[reference]} is refunded")

    def ended(self, process: Process, event: Mapping[str, Any], ending: Ending) -> None:
        """See `Observer`."""
        if ending.error is not None:
            self.logged(str(ending.error))
        if not ending.returned:
            return
        value = ending.value if isinstance(ending.value, dict) else {}
        if published := value.get("published"):
            if published not in self.on_bus:
                self._fail(Invariant.DONE, f"{process.name}: {published} is not on the bus")
            return
        reached = status.status_after(Event(event["detail-type"], event["detail"]))
        order_id = event["detail"]["metadata"]["correlation_id"]
        row = self.tables.item("orders", order_id)
        if reached and (not row or _rank(row) < status.RANKS[reached]):
            self._fail(Invariant.DONE, f"{process.name}: {order_id} is not {reached}")

    def redriven(self, message: Message, consumer: str, ending: Ending) -> None:
        """See `Observer`."""
        if message.consumer != consumer:
            self._fail(Invariant.RIGHT_CONSUMER, f"{consumer} got a message of {message.consumer}")
        if ending.returned:
            self._accepted.add((message.event["id"], consumer))

    _accepted: set[tuple[str, str]] = field(default_factory=set)

    def deleted(self, message: Message) -> None:
        """See `Observer`."""
        if (message.event["id"], message.consumer) not in self._accepted:
            self._fail(Invariant.ACCEPTED_FIRST, f"a message of {message.consumer} was deleted")

    def logged(self, line: str) -> None:
        """Check a log line, or the text of an error."""
        for text in self.personal:
            if text in line:
                self._fail(Invariant.PRIVATE, f"{text!r} is in a log line")

    def answered(self, customer_key: str, response: Mapping[str, Any]) -> None:
        """Check the API's response: a 2xx is an order that is stored and published."""
        order = json.loads(response["body"])
        order_id = order["order_id"]
        self.orders[order_id].accepted = True
        known = self._orders_of_keys.setdefault(customer_key, order_id)
        if known != order_id:
            self._fail(Invariant.ONE_ORDER, f"{order_id} and {known}")
        if not self.tables.item("orders", order_id):
            self._fail(Invariant.KNOWN, order_id)
        if f"{order_id}/order-created" not in self.on_bus:
            self._fail(Invariant.DONE, f"{order_id} is not on the bus")

    _orders_of_keys: dict[str, str] = field(default_factory=dict)

    # Writes

    def _order_written(self, old: Item, new: Item) -> None:
        order_id = new["order_id"]["S"]
        if order_id not in self.orders:
            self._fail(Invariant.ONE_ORDER, f"{order_id} is another order of a known key")
        before, after = _status(old), _status(new)
        moved_back = before and status.RANKS[after] < status.RANKS[before]
        changed_end = before != after and before and status.RANKS[before] == status.FINAL_RANK
        if moved_back or changed_end:
            self._fail(Invariant.FORWARD, f"{order_id}: {before} → {after}")
        if ("open" in new) != (status.RANKS[after] < status.FINAL_RANK):
            self._fail(Invariant.OPEN_INDEX, f"{order_id} is {after}")

    def _payment_written(self, old: Item, new: Item) -> None:
        order_id, before, after = new["order_id"]["S"], old and _status(old), _status(new)
        again = before == after and old.get("outcome") == new.get("outcome")
        if not (again or after in _PAYMENT_STEPS.get(before or None, set())):
            self._fail(Invariant.ONE_OUTCOME, f"{order_id}: {before} → {after}")

    def _inventory_written(self, old: Item, new: Item) -> None:
        key = new["sku"]["S"]
        if not key.startswith(RECORD):
            if int(new["on_hand"]["N"]) < 0:
                self._fail(Invariant.NO_NEGATIVE_STOCK, f"{key}: {new['on_hand']['N']}")
            self._balanced()
            return
        if old:
            self._fail(Invariant.ONE_RESERVATION, key)
        record = from_wire(new)
        wanted = _wanted(record)
        if record["status"] == "RESERVED":
            if record["quantities"] != wanted:
                self._fail(Invariant.WHOLE_RESERVATION, f"{key}: {record['quantities']}")
            self.reserved.update(wanted)
        elif all(self._on_hand(sku) >= quantity for sku, quantity in wanted.items()):
            self._fail(Invariant.NO_FALSE_SHORTAGE, str(record["order_id"]))
        self._balanced()

    def _balanced(self) -> None:
        for sku, initial in self.stock.items():
            left = self._on_hand(sku)
            if left + self.reserved[sku] != initial:
                self._fail(
                    Invariant.STOCK, f"{sku}: {left} + {self.reserved[sku]} are not {initial}"
                )

    def _on_hand(self, sku: str) -> int:
        return int(self.tables.item("inventory", sku)["on_hand"]["N"])

    def _shipment_written(self, old: Item, new: Item) -> None:
        order_id = new["order_id"]["S"]
        if old:
            self._fail(Invariant.ONE_SHIPMENT, order_id)
        paid = self.tables.item("payments", order_id)
        reserved = self.tables.item("inventory", RECORD + order_id)
        if not (
            paid and _status(paid) == "SUCCEEDED" and reserved and _status(reserved) == "RESERVED"
        ):
            self._fail(Invariant.SHIPMENT_EARNED, order_id)

    # At the end

    def at_rest(self, queues: Queues) -> None:
        """Check what must hold when faults are over and recovery has run."""
        waiting = {each.order_id for each in queues.retained()}
        for order_id, expected in self.orders.items():
            row = self.tables.item("orders", order_id)
            if not row:
                if expected.accepted:
                    self._fail(Invariant.KNOWN, order_id)
                continue
            self._at_rest(order_id, row, expected, waits=order_id in waiting)

    def _at_rest(self, order_id: str, row: Item, expected: Expected, *, waits: bool) -> None:
        ended = _rank(row) == status.FINAL_RANK
        if not ended and not waits:
            self._fail(Invariant.ENDS, f"{order_id} is {_status(row)}")
        if not ended and not expected.endless:
            self._fail(Invariant.RECOVERS, f"{order_id} is {_status(row)}")
        if ended and waits:
            self._fail(Invariant.EMPTY_QUEUES, order_id)
        payment = _status(self.tables.item("payments", order_id))
        shipped = bool(self.tables.item("shipments", order_id))
        true = {
            "SHIPMENT_PREPARED": shipped and payment == "SUCCEEDED",
            "PAYMENT_DECLINED": payment == "DECLINED",
            "REFUNDED": payment == "REFUNDED",
        }
        if not true.get(_status(row), True):
            self._fail(Invariant.TRUE_STATUS, f"{order_id} is {_status(row)}")
        kept = self.charges[order_id] - self.refunds[order_id]
        if kept != (expected.total if shipped else 0):
            self._fail(Invariant.BALANCE, f"{order_id}: {kept} is kept, {shipped=}")

    def _fail(self, invariant: Invariant, what: str) -> NoReturn:
        raise Violation(invariant, what)


def _wanted(record: Mapping[str, Any]) -> dict[str, int]:
    """Return what the order of a reservation asks for: SKU → units."""
    wanted: Counter[str] = Counter()
    for line in json.loads(record["outcome"])["data"]["order"]["lines"]:
        wanted[line["sku"]] += line["quantity"]
    return dict(wanted)


def _status(row: Item) -> str:
    return str(row["status"]["S"]) if row else ""


def _rank(row: Item) -> int:
    return status.RANKS[_status(row)]


def _decision(event: Event) -> str:
    """Return the status of an event's own part."""
    parts = [each for name, each in event.detail["data"].items() if name != "order"]
    return str(parts[0].get("status", "")) if parts else ""
