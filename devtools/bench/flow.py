"""The flow on the local cloud, beside its bare twin: one order at a time, and in a burst."""

import json
import statistics
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from devtools.bench import baseline
from devtools.bench.figures import Figure
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client

SINGLE = 30
"""Orders sent one at a time, ours and the twin's in turn."""

WARM_UP = 5
WARM_UP_BURST = 60
"""Enough to start every interpreter that a burst will use, on both sides."""
BURST = 300
POLL_SECONDS = 0.004
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two flows: how to send an order, and where its shipment appears."""

    function: str
    shipments: str
    payload: Callable[[], dict[str, Any]]
    order_id: Callable[[dict[str, Any], Any], str]
    """Payload and answer → the order's id."""


def figures(stack: Stack) -> list[Figure]:
    """Measure both flows on the stack's local cloud.

    Raises:
        WorkshopError: An order got lost, or took too long.
    """
    baseline.deploy(stack)
    api_client.set_stock(stack, {"MOUSE": 1_000_000})
    ours = Side(
        stack.outputs.function_names["order-api"],
        stack.outputs.table_names["shipments"],
        lambda: {"order": api_client.order_request({"MOUSE": 1})},
        lambda _, answer: str(json.loads(answer["body"])["order_id"]),
    )
    bare = Side(
        f"{baseline.PREFIX}-api", f"{baseline.PREFIX}-shipments", _twin_order, _twin_order_id
    )
    return [_single(stack, ours, bare), _burst(stack, ours, bare)]


def _single(stack: Stack, ours: Side, bare: Side) -> Figure:
    for side in (ours, bare) * WARM_UP:
        _one(stack, side)
    times: dict[str, list[float]] = {ours.function: [], bare.function: []}
    for _ in range(SINGLE):
        for side in (ours, bare):
            times[side.function].append(_one(stack, side))
    measured, floor = (statistics.median(times[side.function]) for side in (ours, bare))
    return Figure(
        "one order through four services, p50",
        "ms",
        measured,
        "≤ 1.3 × its bare twin",
        measured <= 1.3 * floor,
        floor,
    )


def _burst(stack: Stack, ours: Side, bare: Side) -> Figure:
    for side in (bare, ours):
        _rate(stack, side, WARM_UP_BURST)
    # The twin twice and ours between, so that a drift of the machine meets both.
    floors = [_rate(stack, bare, BURST)]
    rate = _rate(stack, ours, BURST)
    floors.append(_rate(stack, bare, BURST))
    floor = statistics.mean(floors)
    return Figure(
        f"burst of {BURST} orders, none lost",
        "orders/s",
        rate,
        "≥ 0.8 × its bare twin",
        rate >= 0.8 * floor,
        floor,
    )


def _one(stack: Stack, side: Side) -> float:
    payload = side.payload()
    started = time.perf_counter()
    order_id = side.order_id(payload, _send(stack, side, payload))
    deadline = started + PATIENCE_SECONDS
    key = {"order_id": {"S": order_id}}
    while "Item" not in stack.client("dynamodb").get_item(TableName=side.shipments, Key=key):
        if time.perf_counter() > deadline:
            raise WorkshopError(f"{order_id} was not shipped within {PATIENCE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return (time.perf_counter() - started) * 1000


def _rate(stack: Stack, side: Side, number: int) -> float:
    before = _count(stack, side.shipments)
    orders = [side.payload() for _ in range(number)]
    started = time.perf_counter()
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda payload: _send(stack, side, payload), orders))
    while (shipped := _count(stack, side.shipments) - before) < number:
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise WorkshopError(f"only {shipped} of {number} orders were shipped")
        time.sleep(0.05)
    return number / (time.perf_counter() - started)


def _twin_order() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, **api_client.order_request({"MOUSE": 1})}


def _twin_order_id(sent: dict[str, Any], _answer: Any) -> str:
    return str(sent["id"])


def _send(stack: Stack, side: Side, payload: dict[str, Any]) -> Any:
    answer = stack.client("lambda").invoke(FunctionName=side.function, Payload=json.dumps(payload))
    body = answer["Payload"].read()
    if "FunctionError" in answer:
        raise WorkshopError(f"{side.function}: {body.decode()}")
    return json.loads(body)


def _count(stack: Stack, table: str) -> int:
    return int(stack.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"])
