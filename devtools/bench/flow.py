"""One order at a time and a burst: the stack, its baseline and the conventional twin."""

import itertools
import json
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from devtools.bench.baseline import PREFIX as BARE
from devtools.bench.beside import Beside
from devtools.bench.conventional.flow import PREFIX as TWIN
from devtools.bench.figures import Figure
from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.deployment.local.injected_faults import switch
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client

BLOCK = 17
"""Orders of one side that follow each other, as on a stack of its own.

One order of each side in turn would find the processor's caches full of the other sides' code. The
blocks are short, so that a change of the machine's speed affects all sides.
"""
BLOCKS = 24
"""Of each side: four times all orders of the three, so each follows the others equally often."""

WARM_UP = 5
WARM_UP_BURST = 60
"""Enough to start every interpreter that a burst will use, on all sides."""
BURST = 300
PLENTY = 1_000_000
"""Units in stock: more than all orders need."""
DELIVERIES_OF_AN_ORDER = 12
"""More than one order has on any side."""
PATIENCE_SECONDS = 180.0

STEPS = {
    "payment": "charge",
    "inventory": "reserve",
    "shipping": "prepare",
    "order-tracker": "track",
}
"""Our function → the one of the baseline and of the twin for the same step."""

P50_BUDGET, P99_BUDGET, BURST_BUDGET = 1.15, 1.5, 0.9


@dataclass(frozen=True, slots=True)
class Side:
    """One of the flows: how to send an order, and where its shipment appears.

    Attributes:
        function: The function that takes orders.
        last: The function of the fourth step.
        shipments: The table with one item for each order that is shipped.
        payload: Returns the input for a new order.
    """

    function: str
    last: str
    shipments: str
    payload: Callable[[], dict[str, Any]]


def sides(stack: Stack, bare: Beside, twin: Beside) -> tuple[Side, Side, Side]:
    """Return the stack, the baseline and the conventional twin, in this order."""

    def request() -> dict[str, Any]:
        return api_client.order_request({"MOUSE": 1})

    return (
        Side(
            stack.outputs.function_names["order-api"],
            stack.outputs.function_names["shipping"],
            stack.outputs.table_names["shipments"],
            lambda: {"order": request()},
        ),
        Side(
            bare.name("api"),
            bare.name(STEPS["shipping"]),
            bare.name("shipments"),
            lambda: {"id": uuid.uuid4().hex, **request()},
        ),
        Side(
            twin.name("place"),
            twin.name(STEPS["shipping"]),
            twin.name("shipments"),
            lambda: {"order": request(), "idempotency_key": uuid.uuid4().hex},
        ),
    )


def figures(stack: Stack, compared: Sequence[Side], shown: Callable[[str], None]) -> list[Figure]:
    """Measure all flows on the stack's local cloud.

    Args:
        stack: The stack.
        compared: The sides, as `sides` returns them.
        shown: Is called with a line for each part.

    Raises:
        WorkshopError: An order got lost, or took too long.
    """
    shown(f"{BLOCKS * BLOCK} orders of each flow, one at a time …")
    single = _single(stack, compared)
    inside = in_functions(stack, switch(stack).deliveries())
    shown(f"{BURST} orders of each flow at once …")
    return [*single, *inside, _burst(stack, compared)]


def in_functions(stack: Stack, deliveries: Sequence[Delivery]) -> list[Figure]:
    """Return how long the functions of the three steps and of the tracker ran, warm.

    The rest of an order's time is the local cloud's: it delivers events, and the tracker's runs
    compete with the steps for its four executions.

    Args:
        stack: The stack.
        deliveries: Of orders that were sent one at a time, after the warm-up.
    """
    ran: dict[str, list[float]] = {}
    for each in deliveries:
        if each.outcome is Outcome.DELIVERED and not each.cold_start_milliseconds:
            ran.setdefault(each.function, []).append(each.milliseconds)
    found = []
    for key, step in STEPS.items():
        names = [stack.outputs.function_names[key], f"{BARE}-{step}", f"{TWIN}-{step}"]
        ours, bare, twin = (statistics.median(ran[name]) for name in names)
        what = f"of which a run of {key}, p50"
        found.append(Figure(what, "ms", ours, "–", None, bare, conventional=twin))
    return found


def _single(stack: Stack, compared: Sequence[Side]) -> list[Figure]:
    for side in [*compared] * WARM_UP:
        _one(stack, side)
    times: dict[str, list[float]] = {side.function: [] for side in compared}
    for turn in itertools.islice(itertools.cycle(itertools.permutations(compared)), BLOCKS):
        for side in turn:
            times[side.function] += [_one(stack, side) for _ in range(BLOCK)]
    percentiles = [statistics.quantiles(times[side.function], n=100) for side in compared]
    return [
        Figure(
            f"one order through four services, p{percent}",
            "ms",
            ours,
            f"≤ {budget} × the baseline",
            ours <= budget * floor,
            floor,
            conventional=conventional,
        )
        for percent, budget in ((50, P50_BUDGET), (99, P99_BUDGET))
        for ours, floor, conventional in [[each[percent - 1] for each in percentiles]]
    ]


def _burst(stack: Stack, compared: Sequence[Side]) -> Figure:
    for side in compared:
        _rate(stack, side, WARM_UP_BURST)
    ours, bare, twin = compared
    # The baseline before and after ours, so that a change of the machine affects both.
    floors = [_rate(stack, bare, BURST)]
    rate = _rate(stack, ours, BURST)
    floors.append(_rate(stack, bare, BURST))
    floor = statistics.mean(floors)
    return Figure(
        f"burst of {BURST} orders, none lost",
        "orders/s",
        rate,
        f"≥ {BURST_BUDGET} × the baseline",
        rate >= BURST_BUDGET * floor,
        floor,
        conventional=_rate(stack, twin, BURST),
    )


def _one(stack: Stack, side: Side) -> float:
    """Return the milliseconds until one order's fourth step is done.

    Nobody asks the local cloud for anything meanwhile: that would take time from the order, and a
    poll every 5 ms would round its time to 5 ms.
    """
    payload, started = side.payload(), datetime.now(UTC)
    _send(stack, side, payload)
    cloud = switch(stack)
    if not cloud.wait_idle(PATIENCE_SECONDS):
        raise WorkshopError(f"{side.function}: an order took over {PATIENCE_SECONDS:.0f} s")
    for run in reversed(cloud.deliveries(limit=DELIVERIES_OF_AN_ORDER)):
        began = datetime.fromisoformat(run.started) if run.started else started
        if run.function == side.last and run.outcome is Outcome.DELIVERED and began > started:
            return (began - started) / timedelta(milliseconds=1) + run.milliseconds
    raise WorkshopError(f"{side.function}: an order was not shipped")


def _rate(stack: Stack, side: Side, number: int) -> float:
    before = _count(stack, side.shipments)
    orders = [side.payload() for _ in range(number)]
    started = time.perf_counter()
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda payload: _send(stack, side, payload), orders))
    while (shipped := _count(stack, side.shipments) - before) < number:
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise WorkshopError(f"{side.function}: only {shipped} of {number} orders were shipped")
        time.sleep(0.05)
    took = time.perf_counter() - started
    switch(stack).wait_idle()
    return number / took


def _send(stack: Stack, side: Side, payload: dict[str, Any]) -> Any:
    answer = stack.client("lambda").invoke(FunctionName=side.function, Payload=json.dumps(payload))
    body = answer["Payload"].read()
    if "FunctionError" in answer:
        raise WorkshopError(f"{side.function}: {body.decode()}")
    return json.loads(body)


def _count(stack: Stack, table: str) -> int:
    return int(stack.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"])
