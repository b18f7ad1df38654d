"""The soak itself: orders under faults, then recovery until nothing is open."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

from devtools.soak import books
from devtools.soak.orders import UNITS, UNKNOWN, Wanted, initial_stock, place, wanted
from devtools.soak.sampling import Latencies, Sample, Sampler
from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client
from workshop.recovery import dead_letters, reconcile

THREADS = 8
BACKLOG = 24
"""Queued deliveries at which no order is placed: a soak is long, not a burst."""
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 1800.0
REDRIVE_PER_SECOND = 50
REDRIVE_SECONDS = 910.0
ROUNDS = 30
"""Rounds of redrive and reconcile after which a soak that is not quiet has failed."""

KILLED = ("order-api", "payment", "inventory", "shipping", "payment-refund")
KILLS = 3
"""Each phase kills another function so often between its write and its publish."""
PHASES = 20

SHARES = {"duplicated": 0.1, "delayed": 0.1, "reordered": 0.1, "dropped": 0.02, "refused": 0.05}
"""The share of the deliveries that has each fault."""
DELAY_SECONDS = 2.0


@dataclass
class Result:
    """What a soak did and found.

    Attributes:
        orders: The accepted orders by id.
        samples: The measurements.
        latencies: How long each order took.
        load_seconds: How long orders were placed.
        seconds: How long all of it took.
        redriven: Dead letters that were redriven.
        republished: Orders that the reconciler re-published.
        rounds: Rounds of redrive and reconcile.
        totals: Money, and orders by status.
        breaches: What breaks the books; none if they are balanced.
    """

    orders: dict[str, Wanted]
    samples: list[Sample]
    latencies: Latencies
    load_seconds: float = 0.0
    seconds: float = 0.0
    redriven: int = 0
    republished: int = 0
    rounds: int = 0
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)


def soak(
    stack: Stack,
    number: int,
    seed: int,
    shown: Callable[[Sample], None],
    *,
    limit: float = math.inf,
) -> Result:
    """Place orders under faults, recover, and check the books.

    Args:
        stack: All stages on a local cloud without orders.
        number: How many orders.
        seed: Decides the orders and the faults.
        shown: Is called with each sample.
        limit: Seconds after which no more orders are placed.

    Raises:
        WorkshopError: An order was not accepted, or the system does not become quiet.
    """
    assert stack.target.endpoint_url is not None  # noqa: S101 - a local cloud has one
    control = Control(stack.target.endpoint_url, timeout=120)
    control.set_eventually_consistent(on=True)
    orders = list(wanted(number, seed))
    stock = initial_stock(orders)
    api_client.set_stock(stack, stock)
    api_client.delete_stock_item(stack, UNKNOWN)
    sampler = Sampler(stack, control, shown)
    sampler.start()
    try:
        accepted = _place_all(stack, control, orders, seed, limit)
        result = Result(accepted, sampler.samples, sampler.latencies, sampler.seconds)
        control.clear_faults()
        settle(control)
        stock[UNKNOWN] = UNITS
        api_client.set_stock(stack, {UNKNOWN: UNITS})
        _recover(stack, control, result)
        result.seconds = sampler.seconds
    finally:
        control.clear_faults()
        sampler.stop()
    tables = books.read(stack)
    result.breaches = [*_left(sampler.samples[-1]), *books.breaches(tables, result.orders, stock)]
    result.totals = books.totals(tables, result.orders)
    return result


def plans(stack: Stack, seed: int) -> Iterator[Plan]:
    """Yield the faults of each phase: the same shares, and another function that is killed."""
    for phase in range(PHASES):
        key = KILLED[phase % len(KILLED)]
        yield Plan(
            seed=seed + phase,
            duplicate=Duplicate(SHARES["duplicated"]),
            delay=Hold(SHARES["delayed"], DELAY_SECONDS),
            reorder=Hold(SHARES["reordered"], 0.5),
            drop=Share(SHARES["dropped"]),
            refuse=Share(SHARES["refused"]),
            kill_before_publish=Kill(stack.outputs.function_names[key], KILLS),
        )


def _place_all(
    stack: Stack, control: Control, orders: list[Wanted], seed: int, limit: float
) -> dict[str, Wanted]:
    """Place all orders, a phase after the other; return them by id."""
    placed: list[tuple[str, Wanted]] = []
    deadline = time.monotonic() + limit
    size = -(-len(orders) // PHASES)
    phases = [orders[start : start + size] for start in range(0, len(orders), size)]
    with ThreadPoolExecutor(THREADS) as threads, _Backlog(control) as backlog:

        def placing(order: Wanted) -> tuple[str, Wanted] | None:
            backlog.wait()
            return None if time.monotonic() > deadline else (place(stack, order), order)

        for phase, plan in zip(phases, plans(stack, seed), strict=False):
            control.set_faults(plan)
            placed += filter(None, threads.map(placing, phase))
    accepted = dict(placed)
    if len(accepted) != len(placed):
        raise WorkshopError(f"{len(placed)} orders were placed, and have {len(accepted)} ids.")
    return accepted


class _Backlog:
    """Lets callers wait while the local cloud has too many deliveries in its queue."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._free = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._free.set()
        self._thread.join()

    def wait(self) -> None:
        """Return when there is room."""
        self._free.wait(PATIENCE_SECONDS)

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            if self._control.status().queued < BACKLOG:
                self._free.set()
            else:
                self._free.clear()


def _recover(stack: Stack, control: Control, result: Result) -> None:
    """Redrive and reconcile until no message waits and no order is stalled."""
    queues = dead_letters.of(stack).queues
    for result.rounds in range(1, ROUNDS + 1):
        redriven = redrive(stack)["redriven"]
        result.redriven += redriven
        settle(control)
        report = reconcile.reconcile(stack, older_than=0)
        result.republished += report.republished
        settle(control)
        waiting = sum(each.total for each in queues.waiting().values())
        if not (redriven or report.stuck or waiting):
            return
    raise WorkshopError(f"{ROUNDS} rounds of redrive and reconcile did not end every order.")


def redrive(stack: Stack) -> dict[str, Any]:
    """Run the redrive function on all dead letters; return its report.

    Raises:
        WorkshopError: It failed.
    """
    answer = stack.patient_client("lambda", REDRIVE_SECONDS).invoke(
        FunctionName=stack.invokable("redrive"), Payload=json.dumps({"rate": REDRIVE_PER_SECOND})
    )
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise WorkshopError(f"The redrive failed: {report}")
    return report


def settle(control: Control) -> None:
    """Wait until the local cloud is idle.

    Raises:
        WorkshopError: It is busy for too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not control.wait_idle(30.0):
        if time.monotonic() > deadline:
            raise WorkshopError(f"The local cloud is busy after {PATIENCE_SECONDS:.0f} s.")


def _left(last: Sample) -> list[str]:
    """Return what is left in a queue at the end."""
    left = {"deliveries": last.queued + last.later, "dead letters": last.dead}
    return [f"{count} {what} are left" for what, count in left.items() if count]
