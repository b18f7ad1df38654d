"""One run: orders, what happens to them, recovery until nothing changes any more."""

import io
import json
import logging
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from inventory_service.app import App as Inventory
from inventory_service.store import DynamoInventoryStore, InventoryStore
from order_service.app import App as Orders
from order_service.catalogue import load_catalogue
from order_service.service import order_id as order_id_of
from order_service.store import DynamoOrderStore
from order_service.tracker_app import Tracker
from payment_service.app import App as Payment
from payment_service.gateway import APPROVED, DECLINES, TOKENS, UNAVAILABLE
from payment_service.store import DynamoPaymentStore
from recovery.reconcile import service as reconcile_service
from recovery.reconcile.service import Plan
from recovery.reconcile.service import Result as Reconciled
from recovery.reconcile.store import DynamoOpenOrders
from recovery.redrive import service as redrive_service
from shipping_service.app import App as Shipping
from shipping_service.store import DynamoShipmentStore

from orderflow.dynamodb import to_wire
from orderflow.event import first_event
from orderflow.publisher import Publisher
from orderflow.step import logger, metrics
from tests.simulation.aws import (
    Bus,
    ConsumersPort,
    Event,
    Events,
    FaultyDynamodb,
    Gateway,
    Queues,
    QueuesPort,
)
from tests.simulation.dynamodb import Dynamodb
from tests.simulation.faults import Choices, Faults, Injected, NoFaults, Planned, Seeded
from tests.simulation.first_release import FirstRelease
from tests.simulation.invariants import Invariants
from tests.simulation.world import Ending, Violation, World

CATALOGUE = load_catalogue()
SKUS = tuple(CATALOGUE)
DAY = 24 * 3600.0
ROUNDS = 4
"""Rounds of recovery at the end, at most; an order that needs more counts as lost."""
SIDE_BY_SIDE_SECONDS = 30.0
"""Seconds before and after a release in which both run."""
TRIES = 6
"""How often a customer sends a request that was not answered with 2xx."""
PERSONAL = {
    "recipient": "Ada Private",
    "street": "12 Secret Row",
    "postal_code": "10115",
    "city": "Hiddenhausen",
    "country": "DE",
}
EMAIL = "ada@private.example"
SECRETS = (PERSONAL["recipient"], PERSONAL["street"], PERSONAL["city"], EMAIL, "tok_")


@dataclass(frozen=True)
class Placed:
    """An order of a scenario."""

    key: str
    token: str
    lines: tuple[tuple[str, int], ...]
    at: float
    copies: int = 1
    """How often the customer sends it at the same time."""
    by_event: bool = False
    """Whether it comes as an `OrderCreated` that somebody puts on the bus."""

    @property
    def customer(self) -> str:
        """The customer's id."""
        return f"customer-{self.key}"

    @property
    def order_id(self) -> str:
        """The order's id."""
        return f"{self.key}-event" if self.by_event else order_id_of(self.customer, self.key)

    @property
    def total(self) -> int:
        """The order's total in minor units."""
        return sum(quantity * CATALOGUE[sku]["EUR"] for sku, quantity in self.lines)


@dataclass(frozen=True)
class Act:
    """Something that happens at a moment: `reconcile`, `redrive`, `replay`, `outage`, `poison`."""

    what: str
    name: str
    at: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """What happens in a run, apart from the faults."""

    orders: tuple[Placed, ...]
    stock: Mapping[str, int]
    acts: tuple[Act, ...] = ()
    release: float = 0.0
    """When the second release of the inventory goes live; both run for a minute."""
    skew: float = 0.0
    steady: bool = False


@dataclass
class Result:
    """What a run showed.

    Attributes:
        seed: What decides the run.
        violation: The invariant that does not hold; None if all do.
        injected: The faults.
        world: The run itself, for its trace.
    """

    seed: str
    violation: Violation | None
    injected: list[Injected]
    run: "Run"
    calls: int = 0


class _Lines(logging.Formatter):
    """Writes a log line's own fields, and gives it to the run that goes on.

    Powertools' formatter adds fields of the function and its context, which are the same in all
    lines. It takes a quarter of a run's time.
    """

    run: "Run | None" = None

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: each for name, each in vars(record).items() if name not in _RECORD}
        line = json.dumps({"message": record.msg, **fields}, default=str)
        if self.run is not None:
            self.run.logged(line)
        return line

    def append_keys(self, **keys: Any) -> None:
        """Leave out the keys of the running function: a line is assigned by its process."""


_RECORD = frozenset(vars(logging.makeLogRecord({})))
"""What every log record has."""


@contextmanager
def captured_logs(run: "Run") -> Iterator[None]:
    """Give the functions' log lines to a run."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.stream, handler.formatter
    lines = _Lines()
    lines.run = run
    handler.stream, handler.formatter = io.StringIO(), lines
    try:
        yield
    finally:
        handler.stream, handler.formatter = before
        metrics.clear_metrics()


class Run:
    """A scenario, in a world of its own."""

    def __init__(self, scenario: Scenario, choices: Choices, faults: Faults) -> None:
        self.scenario = scenario
        self.world = World(choices, faults)
        self.world.skew, self.world.steady = scenario.skew, scenario.steady
        self.tables = Dynamodb()
        self.invariants = Invariants(self.tables, scenario.stock, personal=SECRETS)
        self.tables.written = self.invariants.written
        self.queues = Queues(self.world, self.invariants)
        self.bus = Bus(self.world, self.queues, self.invariants, self._functions())
        self.gateway = Gateway(self.world, self.invariants)
        self.without_event = 0
        """Orders that the last reconciler had no event for: a replay of the archive has it."""
        self.lines: list[tuple[float, str, str, str]] = []
        """Time, function, process and text of each log line."""
        self._fill()

    def _fill(self) -> None:
        for sku, units in self.scenario.stock.items():
            item = {"sku": sku, "on_hand": units}
            self.tables.items["inventory"][sku] = to_wire(item)

    # The functions, put together as `app.py` does

    def _functions(self) -> dict[str, Callable[[Event], Any]]:
        return {
            "order-tracker": lambda event: _run(Tracker.track, self._tracker(), event),
            "payment": lambda event: _run(Payment.charge, self._payment(), event),
            "payment-refund": lambda event: _run(Payment.refund, self._payment(), event),
            "inventory": lambda event: _run(Inventory.reserve, self._inventory(), event),
            "shipping": lambda event: _run(Shipping.prepare, self._shipping(), event),
        }

    def _dynamodb(self) -> Any:
        return FaultyDynamodb(self.world, self.tables)

    def _publisher(self) -> Publisher:
        events = Events(self.world, self.bus)
        return Publisher(events, "orderflow-bus", sleep=self.world.sleep)

    def _orders(self) -> Orders:
        store = DynamoOrderStore(self._dynamodb(), "orders")
        return Orders(store, self._publisher(), CATALOGUE, self.world.timestamp)

    def _tracker(self) -> Tracker:
        return Tracker(DynamoOrderStore(self._dynamodb(), "orders"), self.world.timestamp)

    def _payment(self) -> Payment:
        store = DynamoPaymentStore(self._dynamodb(), "payments")
        return Payment(store, self.gateway, self._publisher(), self.world.timestamp)

    def _inventory(self) -> Inventory:
        store: InventoryStore = DynamoInventoryStore(
            self._dynamodb(), "inventory", sleep=self.world.sleep
        )
        if self._is_old():
            store = FirstRelease(store)
        return Inventory(store, self._publisher(), self.world.timestamp)

    def _is_old(self) -> bool:
        """Return whether the running process is of the release before the last one."""
        process = self.world.process()
        assert process is not None
        since = self.world.seconds - self.scenario.release
        if abs(since) < SIDE_BY_SIDE_SECONDS and self.scenario.release:
            return self.world.choices.number(f"release|{process.key}") < 0.5
        return since < 0

    def _shipping(self) -> Shipping:
        store = DynamoShipmentStore(self._dynamodb(), "shipments")
        return Shipping(store, self._publisher(), self.world.timestamp)

    # What happens

    def go(self) -> None:
        """Run the scenario, then recovery without faults, and check everything.

        Raises:
            Violation: An invariant does not hold.
        """
        for order in self.scenario.orders:
            expected = self.invariants.orders[order.order_id]
            expected.total = order.total
            expected.endless = order.token == UNAVAILABLE
            place = self._put if order.by_event else self._send
            self.world.at(order.at, partial(place, order))
        for act in self.scenario.acts:
            self.world.at(act.at, partial(self._act, act))
        self.world.run()
        if self.scenario.steady and self._unfinished():
            # A chosen fault may also hit the recovery's own calls.
            self._recover("first")
        self.world.calm()
        self.gateway.available = True
        for number in range(ROUNDS):
            if not self._unfinished():
                break
            self._recover(f"round{number}")
        self.invariants.at_rest(self.queues)

    def _recover(self, name: str) -> None:
        self.world.after(3600.0, lambda: self._reconcile(name))
        self.world.run()
        if self.without_event:
            self._replay(name)
            self.world.run()
        self.world.after(300.0, lambda: self._redrive(name))
        self.world.run()

    def _unfinished(self) -> bool:
        """Return whether there is something that recovery can end, or has never tried to."""
        waiting = {each.order_id for each in self.queues.retained()} - {""}
        opened = {key for key, row in self.tables.items["orders"].items() if "open" in row}
        endless = {key for key, order in self.invariants.orders.items() if order.endless}
        return bool((opened | waiting) - (endless & waiting))

    def _send(self, order: Placed) -> None:
        for copy in range(order.copies):
            self._request(order, f"{order.key}.{copy}", 1)

    def _request(self, order: Placed, name: str, number: int) -> None:
        request = {
            "routeKey": "POST /orders",
            "headers": {"idempotency-key": order.key},
            "body": json.dumps(_request_of(order)),
        }

        def again() -> None:
            if number < TRIES:
                self.world.after(1.0, lambda: self._request(order, name, number + 1))

        def ended(ending: Ending) -> None:
            if ending.error is not None:
                self.invariants.logged(str(ending.error))
            status = ending.value["statusCode"] if ending.returned else 500
            if status in {200, 201}:
                self.invariants.answered(name.partition(".")[0], ending.value)
            elif status >= 500:
                again()

        self.world.start(
            "order-api",
            f"{name}/{number}",
            lambda: _run(Orders.api, self._orders(), request),
            ended,
        )

    def _put(self, order: Placed) -> None:
        placed = {
            "order_id": order.order_id,
            "customer_id": order.customer,
            "placed_at": self.world.timestamp(),
            "lines": [
                {"sku": sku, "quantity": quantity, "unit_price": CATALOGUE[sku]["EUR"]}
                for sku, quantity in order.lines
            ],
            "total": order.total,
            "currency": "EUR",
            "ship_to": PERSONAL,
        }
        own = {"payment_method": {"token": order.token}}
        event = first_event("OrderCreated", "order-created", placed, own)
        self.bus.put(_entry(event.type, "orderflow.order", event.to_json()))

    def _act(self, act: Act) -> None:
        if act.what == "reconcile":
            self._reconcile(act.name)
        elif act.what == "redrive":
            self._redrive(act.name)
        elif act.what == "replay":
            self._replay(act.name)
        elif act.what == "outage":
            self.gateway.available = False
            self.world.after(act.seconds, partial(setattr, self.gateway, "available", True))
        else:
            self.bus.put(_entry("OrderCreated", "orderflow.order", '{"metadata": {}}'))

    def _replay(self, name: str) -> None:
        for event in list(self.bus.archive):
            self.bus.deliver({**event, "replay-name": name})

    def _reconcile(self, name: str) -> None:
        def work() -> None:
            outcomes = reconcile_service.reconcile(
                DynamoOpenOrders(self._dynamodb(), "orders"),
                self._publisher(),
                Plan(older_than=0, limit=100),
                now=self.world.now() + timedelta(hours=1),
                shuffle=lambda orders: orders.sort(
                    key=lambda each: self.world.choices.number(f"{name}|{each.order_id}")
                ),
            )
            self.without_event = sum(each.result is Reconciled.WITHOUT_EVENT for each in outcomes)

        self.world.start("reconciler", name, work)

    def _redrive(self, name: str) -> None:
        def work() -> None:
            attempts = redrive_service.redrive(
                QueuesPort(self.world, self.queues, name),
                ConsumersPort(self.world, self.bus, self.queues, name),
                sleep=self.world.sleep,
                clock=lambda: self.world.seconds,
                now=self.world.now,
            )
            for _ in attempts:
                pass

        self.world.start("redrive", name, work)

    def logged(self, line: str) -> None:
        """Take a log line of the running process."""
        self.invariants.logged(line)
        process = self.world.process()
        if process is not None:
            self.lines.append((self.world.seconds, process.name, process.key, line))


def _run(entry_point: Any, app: Any, event: Any) -> Any:
    """Run an entry point without what Powertools adds: its context belongs to a whole process."""
    try:
        return entry_point.__wrapped__(app, event, None)
    finally:
        metrics.clear_metrics()


def _entry(detail_type: str, source: str, detail: str) -> dict[str, str]:
    return {"DetailType": detail_type, "Source": source, "Detail": detail}


def _request_of(order: Placed) -> dict[str, Any]:
    return {
        "customer_id": order.customer,
        "currency": "EUR",
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines],
        "ship_to": PERSONAL,
        "contact": {"email": EMAIL},
        "payment_method": {"token": order.token},
    }


def run(scenario: Scenario, choices: Choices, faults: Faults) -> Result:
    """Run a scenario; the same arguments give the same run."""
    random.seed(choices.seed)
    one = Run(scenario, choices, faults)
    violation = None
    with captured_logs(one):
        try:
            one.go()
        except Violation as found:
            violation = found
        finally:
            one.world.end()
    return Result(choices.seed, violation, one.world.faults.injected, one)


# What a seed means

RATES = (0.0, 0.01, 0.05, 0.15, 0.3)


def scenario_of(choices: Choices) -> Scenario:
    """Return a seed's scenario."""
    count = choices.one_of((1, 1, 1, 2, 2, 3), "orders")
    orders = tuple(_placed(choices, number) for number in range(count))
    stock = {sku: choices.below(4, f"stock|{sku}") for sku in SKUS}
    released = choices.number("released") < 0.4
    return Scenario(
        orders,
        stock,
        tuple(_acts(choices)),
        release=DAY ** choices.number("release") if released else 0.0,
        skew=choices.one_of((0, 0, 300), "skew"),
    )


def _placed(choices: Choices, number: int) -> Placed:
    name = f"order{number}"
    tokens = (APPROVED, APPROVED, APPROVED, APPROVED, *DECLINES, *TOKENS)
    lines = tuple(
        (choices.one_of(SKUS, f"{name}|sku{line}"), 1 + choices.below(2, f"{name}|units{line}"))
        for line in range(1 + choices.below(2, f"{name}|lines"))
    )
    return Placed(
        key=name,
        token=choices.one_of(tokens, f"{name}|token"),
        lines=lines,
        at=choices.number(f"{name}|at") * 0.3,
        copies=choices.one_of((1, 1, 1, 2, 3), f"{name}|copies"),
        by_event=choices.number(f"{name}|event") < 0.1,
    )


def _acts(choices: Choices) -> Iterator[Act]:
    def likely(what: str, probability: float) -> bool:
        return choices.number(f"act|{what}") < probability

    def moment(what: str, longest: float) -> float:
        """Return a moment: as often in the first second as in the last day."""
        return float(longest ** choices.number(f"at|{what}"))

    for what, name, probability, longest in (
        ("reconcile", "reconcile 1", 0.35, 2 * DAY),
        ("reconcile", "reconcile 2", 0.35, 2 * DAY),
        ("replay", "replay", 0.15, 3 * DAY),
        ("poison", "poison", 0.1, 60.0),
    ):
        if likely(name, probability):
            yield Act(what, name, moment(name, longest))
    if likely("redrive", 0.3):
        at = moment("redrive", 2 * DAY)
        for number in range(choices.one_of((1, 2), "redrives at once")):
            yield Act("redrive", f"redrive {number + 1}", at)
    if likely("late redrive", 0.03):
        yield Act("redrive", "late redrive", 15 * DAY)
    if likely("outage", 0.1):
        yield Act("outage", "outage", 0.0, moment("outage", DAY))


def faults_of(choices: Choices, only: Collection[str] | None = None) -> Seeded:
    """Return a seed's faults: each kind has a rate of its own."""
    kinds = ("read", "query", "write", "transaction", "publish", "gateway", "queue", "invoke")
    call = choices.one_of(RATES, "rate")
    rates = {kind: call for kind in kinds if choices.number(f"kind|{kind}") < 0.7}
    rates["delivery"] = choices.one_of((0.0, 0.05, 0.2, 0.4), "delivery rate")
    rates["dead letter"] = choices.one_of((0.0, 0.0, 0.2), "dead letter rate")
    return Seeded(choices, rates, only)


def run_seed(seed: int | str, only: Collection[str] | None = None) -> Result:
    """Run a seed."""
    choices = Choices(str(seed))
    return run(scenario_of(choices), choices, faults_of(choices, only))


# What exhaustion runs

ENDINGS: dict[str, Scenario] = {
    "shipped": Scenario(
        (Placed("one", APPROVED, (("MOUSE", 1),), 0.0),), dict.fromkeys(SKUS, 2), steady=True
    ),
    "declined": Scenario(
        (Placed("one", "tok_declined", (("MOUSE", 1),), 0.0),), dict.fromkeys(SKUS, 2), steady=True
    ),
    "out of stock": Scenario(
        (Placed("one", APPROVED, (("MOUSE", 1),), 0.0),),
        dict.fromkeys(SKUS, 0),
        steady=True,
    ),
}
"""Ending → the order that has it."""


def run_planned(ending: str, faults: Planned | NoFaults) -> Result:
    """Run the order of an ending with chosen faults."""
    return run(ENDINGS[ending], Choices(ending), faults)
