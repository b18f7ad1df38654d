"""The same orders under the same faults: what the stack and the conventional twin lose.

The faults are those that AWS documents: at-least-once delivery without order, a target that
throttles, a PutEvents that answers 200 and took nothing, a function that ends between two
requests, and an asynchronous queue that may drop an event.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from devtools.bench.beside import Beside
from devtools.bench.conventional import dead_letters as twin_dead_letters
from devtools.bench.conventional import flow as twin_flow
from devtools.soak import books
from devtools.soak.orders import PLENTY, SCARCE, UNITS
from devtools.soak.run import redrive, settle
from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from workshop.deployment.local.injected_faults import switch
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client, ledger
from workshop.recovery import dead_letters, reconcile

ORDERS = 500
SEED = 1
THREADS = 8
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.5
ROUNDS = 30

SHARES = {"approved": 0.86, "declined": 0.06, "scarce": 0.08}
"""Kind of order → its share. There are units for half of the scarce ones."""
TOKENS = {"declined": "tok_declined"}

KILLED = {"order-api": "place", "payment": "charge", "inventory": "reserve", "shipping": "prepare"}
"""The functions that write and publish: the stack's → the twin's."""
KILLS = 5
"""How often each of them is killed, in a quarter of the orders of this fault."""


@dataclass(frozen=True)
class Fault:
    """A fault: which orders have it.

    Attributes:
        name: What goes wrong, in words.
        plans: One for each part of its orders; the function's name makes the plan.
    """

    name: str
    plans: Sequence[Callable[[Callable[[str], str]], Plan]]


def _always(plan: Plan) -> Callable[[Callable[[str], str]], Plan]:
    return lambda _: plan


def _kill(function: str, name_of: Callable[[str], str]) -> Plan:
    return Plan(seed=SEED, kill_before_publish=Kill(name_of(function), KILLS))


FAULTS = (
    Fault(
        "delivered twice, late, in another order",
        [
            _always(
                Plan(
                    seed=SEED,
                    duplicate=Duplicate(0.3),
                    delay=Hold(0.3, 2.0),
                    reorder=Hold(0.3, 0.5),
                )
            )
        ],
    ),
    Fault("throttled", [_always(Plan(seed=SEED, refuse=Share(0.3)))]),
    Fault("killed between write and publish", [partial(_kill, each) for each in KILLED]),
    Fault("not taken by PutEvents", [_always(Plan(seed=SEED, fail_entries=Share(0.1)))]),
    Fault("dropped by Lambda's queue", [_always(Plan(seed=SEED, drop=Share(0.05)))]),
)


@dataclass(frozen=True)
class Wanted:
    """An order to place: SKU → quantity, the payment token, and its key."""

    lines: Mapping[str, int]
    token: str
    key: str


@dataclass
class Losses:
    """What became of the orders of one fault, after recovery.

    Attributes:
        orders: Accepted orders.
        lost: Those that never end, and that nothing is left of to redrive.
        stuck: Those that have not ended, and whose message is still in a dead-letter queue.
        charged_twice: Those that were charged more than once.
        reserved_twice: Those that took units more than once.
        shipped_twice: Those that were shipped more than once.
        wrong_status: Those that ended, but whose status does not say so.
    """

    orders: int = 0
    lost: int = 0
    stuck: int = 0
    charged_twice: int = 0
    reserved_twice: int = 0
    shipped_twice: int = 0
    wrong_status: int = 0

    def add(self, other: "Losses") -> None:
        """Add what became of other orders."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Outcome:
    """How one side came through all faults.

    Attributes:
        by_fault: Fault → what became of its orders.
        oversold: Units that were shipped beyond the stock.
        missing: Units that left the stock without an order that has them.
        redriven: Dead letters that were redriven.
        republished: Orders that the reconciler re-published; the twin has none.
    """

    by_fault: dict[str, Losses] = field(default_factory=dict)
    oversold: int = 0
    missing: int = 0
    redriven: int = 0
    republished: int = 0

    @property
    def total(self) -> Losses:
        """Return the sum over all faults."""
        total = Losses()
        for each in self.by_fault.values():
            total.add(each)
        return total


def compare(
    stack: Stack, twin: Beside, shown: Callable[[str], None], number: int = ORDERS
) -> dict[str, Outcome]:
    """Send the same orders under the same faults through both flows, recover, and count.

    Args:
        stack: The stack, on a local cloud.
        twin: The conventional twin beside it.
        shown: Is called with a line for each part.
        number: How many orders each side gets.

    Returns:
        `ours` and `conventional`.

    Raises:
        WorkshopError: An order was not accepted, or a side does not become quiet.
    """
    wanted = orders(number)
    stock = stock_for(wanted)
    control = switch(stack)
    api_client.set_stock(stack, stock)
    twin_flow.set_stock(twin, stock)
    outcomes: dict[str, Outcome] = {}
    sides: dict[str, _Ours | _Twin] = {"ours": _Ours(stack), "conventional": _Twin(twin)}
    try:
        for name, side in sides.items():
            accepted: dict[str, list[str]] = {}
            for fault, own in zip(FAULTS, _shares(wanted, len(FAULTS)), strict=True):
                started = time.monotonic()
                accepted[fault.name] = _place_all(control, side, fault, own)
                took = time.monotonic() - started
                shown(f"{name}: {len(own)} orders, {fault.name} ({took:.0f} s)")
            outcomes[name] = side.recover(control)
            side.judge(outcomes[name], accepted, stock)
    finally:
        control.clear_faults()
    return outcomes


def orders(number: int, seed: int = SEED) -> list[Wanted]:
    """Return so many orders; the same seed returns the same ones."""
    chance = random.Random(seed)
    found = []
    for at, kind in enumerate(chance.choices(list(SHARES), list(SHARES.values()), k=number)):
        skus = chance.sample(PLENTY, chance.randint(1, len(PLENTY)))
        lines = {sku: chance.randint(1, 3) for sku in skus}
        if kind == "scarce":
            lines = {SCARCE: 1}
        found.append(Wanted(lines, TOKENS.get(kind, "tok_approved"), f"faults-{seed}-{at}"))
    return found


def stock_for(wanted: Sequence[Wanted]) -> dict[str, int]:
    """Return SKU → units: enough of all, and of the scarce one for half of its orders."""
    scarce = sum(SCARCE in each.lines for each in wanted)
    return {**dict.fromkeys(PLENTY, UNITS), SCARCE: scarce // 2}


class _Ours:
    """The stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def name_of(self, function: str) -> str:
        return self.stack.outputs.function_names[function]

    @property
    def takes_orders(self) -> str:
        return self.stack.invokable("order-api")

    def payload(self, order: Wanted) -> dict[str, Any]:
        return {"order": _request(order), "idempotency_key": order.key}

    def order_id(self, answer: Any) -> str:
        return str(json.loads(answer["body"])["order_id"])

    def recover(self, control: Control) -> Outcome:
        """Redrive and reconcile until no message waits and no order is stalled."""
        queues = dead_letters.of(self.stack).queues
        outcome = Outcome()
        for _ in range(ROUNDS):
            redriven = redrive(self.stack)["redriven"]
            outcome.redriven += redriven
            settle(control)
            report = reconcile.reconcile(self.stack, older_than=0)
            outcome.republished += report.republished
            settle(control)
            waiting = sum(each.total for each in queues.waiting().values())
            if not (redriven or report.stuck or waiting):
                return outcome
        raise WorkshopError(f"{ROUNDS} rounds of redrive and reconcile did not end every order.")

    def judge(
        self, outcome: Outcome, accepted: Mapping[str, list[str]], stock: Mapping[str, int]
    ) -> None:
        """Count from the tables; an order has one item in each, so stock shows a second one."""
        tables = books.read(self.stack)
        reserved: Counter[str] = Counter()
        for fault, ids in accepted.items():
            losses = outcome.by_fault[fault] = Losses(orders=len(ids))
            for order_id in ids:
                rows = books.rows_of(tables, order_id)
                status = rows.get("orders", {}).get("status")
                if status not in ("SHIPMENT_PREPARED", "PAYMENT_DECLINED", "REFUNDED"):
                    losses.lost += 1
                    continue
                entry = ledger.entry(rows)
                reserved.update(entry.reserved)
                paid = entry.charged - entry.refunded
                losses.charged_twice += paid > entry.shipped
                losses.shipped_twice += entry.shipped > paid
                losses.reserved_twice += entry.units != entry.reserved
        _judge_stock(outcome, stock, reserved, lambda sku: int(tables["inventory"][sku]["on_hand"]))


class _Twin:
    """The conventional twin."""

    def __init__(self, flow: Beside) -> None:
        self._flow = flow
        self.stack = flow.stack

    def name_of(self, function: str) -> str:
        return self._flow.name(KILLED[function])

    @property
    def takes_orders(self) -> str:
        return self._flow.name("place")

    def payload(self, order: Wanted) -> dict[str, Any]:
        return {"order": _request(order), "idempotency_key": order.key}

    def order_id(self, answer: Any) -> str:
        return str(answer["order_id"])

    def recover(self, control: Control) -> Outcome:
        """Redrive its dead letters until none is left."""
        outcome = Outcome()
        for _ in range(ROUNDS):
            redriven = twin_dead_letters.redrive(self._flow)
            outcome.redriven += redriven
            settle(control)
            if not redriven:
                break
        return outcome

    def judge(
        self, outcome: Outcome, accepted: Mapping[str, list[str]], stock: Mapping[str, int]
    ) -> None:
        """Count its items: each charge, reservation and shipment has one."""
        rows = {table: _rows(self._flow, table) for table in twin_flow.TABLES}
        statuses = {str(row["order_id"]): row.get("status") for row in rows["orders"]}
        left = twin_dead_letters.orders_in(self._flow)
        charged = _orders(rows["payments"], "SUCCEEDED")
        taken = _orders(rows["reservations"], "RESERVED")
        shipped = _orders(rows["shipments"], "PREPARED")
        refused = _orders(rows["payments"], "DECLINED") + _orders(
            rows["reservations"], "OUT_OF_STOCK"
        )
        reserved: Counter[str] = Counter()
        lines = {
            str(row["order_id"]): row["lines"]
            for row in rows["reservations"]
            if row["status"] == "RESERVED"
        }
        for fault, ids in accepted.items():
            losses = outcome.by_fault[fault] = Losses(orders=len(ids))
            for order_id in ids:
                losses.charged_twice += charged[order_id] > 1
                losses.reserved_twice += taken[order_id] > 1
                losses.shipped_twice += shipped[order_id] > 1
                for line in lines.get(order_id, []):
                    reserved[line["sku"]] += int(line["quantity"])
                status = statuses.get(order_id)
                if shipped[order_id] or refused[order_id]:
                    ended = ("SHIPPED", "PAYMENT_DECLINED", "OUT_OF_STOCK")
                    losses.wrong_status += status not in ended
                elif order_id in left:
                    losses.stuck += 1
                else:
                    losses.lost += 1
        on_hand = {str(row["sku"]): int(row["on_hand"]) for row in rows["stock"]}
        _judge_stock(outcome, stock, reserved, lambda sku: on_hand[sku])


def _judge_stock(
    outcome: Outcome,
    stock: Mapping[str, int],
    reserved: Mapping[str, int],
    on_hand: Callable[[str], int],
) -> None:
    for sku, initial in stock.items():
        outcome.oversold += max(0, reserved.get(sku, 0) - initial, -on_hand(sku))
        outcome.missing += max(0, initial - on_hand(sku) - reserved.get(sku, 0))


def _orders(rows: Sequence[Mapping[str, Any]], status: str) -> Counter[str]:
    """Return order → its rows with a status."""
    return Counter(str(row["order_id"]) for row in rows if row["status"] == status)


def _rows(flow: Beside, table: str) -> list[dict[str, Any]]:
    from orderflow.dynamodb import from_wire

    pages = (
        flow.stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=flow.name(table), ConsistentRead=True)
    )
    return [from_wire(item) for page in pages for item in page["Items"]]


def _request(order: Wanted) -> dict[str, Any]:
    return api_client.order_request(dict(order.lines), customer_id="bench", token=order.token)


def _place_all(
    control: Control, side: _Ours | _Twin, fault: Fault, wanted: Sequence[Wanted]
) -> list[str]:
    """Place the orders of a fault; return their ids when nothing is delivered any more."""
    ids: list[str] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for plan, part in zip(fault.plans, _shares(wanted, len(fault.plans)), strict=True):
            control.set_faults(plan(side.name_of))
            ids += threads.map(partial(_place, side), part)
            settle(control)
            control.clear_faults()
    return ids


def _shares(whole: Sequence[Wanted], parts: int) -> Iterator[Sequence[Wanted]]:
    """Yield consecutive parts of about the same length."""
    for at in range(parts):
        yield whole[len(whole) * at // parts : len(whole) * (at + 1) // parts]


def _place(side: _Ours | _Twin, order: Wanted) -> str:
    """Place an order, again with its key while the function fails; return its id.

    Raises:
        WorkshopError: It was not accepted within the patience.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    payload = json.dumps(side.payload(order))
    while True:
        answer = side.stack.client("lambda").invoke(FunctionName=side.takes_orders, Payload=payload)
        body = json.loads(answer["Payload"].read() or "null")
        # A function that fails answers a direct invocation with 5xx, or with an error.
        if "FunctionError" not in answer and body.get("statusCode", 500) in (200, 201):
            return side.order_id(body)
        if time.monotonic() > deadline:
            raise WorkshopError(f"The order {order.key} was not accepted: {body}")
        time.sleep(PAUSE_SECONDS)
