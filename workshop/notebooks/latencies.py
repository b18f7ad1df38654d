"""The latency of each hop, measured over many orders."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

import pandas as pd

from workshop.errors import WorkshopError
from workshop.journeys import following, order_rows
from workshop.journeys.hops import Hop, hop_of
from workshop.notebooks.connection import Connection
from workshop.notebooks.pictures.charts_layout import spread_of
from workshop.notebooks.tables import table
from workshop.orders import function_logs
from workshop.stages import flow

POLL_SECONDS = 0.5
CLOCKS_DIFFER = timedelta(minutes=1)

Mark = tuple[str, str, str]
"""Function, what it logged, and the step."""

JOURNEY = "the whole journey"


def latencies(journeys: Iterable[Sequence[Hop]]) -> dict[str, list[float]]:
    """Return the milliseconds of each hop, one value for each order that shipped.

    `order-api → payment` is a delivery, `payment` an execution of the function. For each order
    they add up to the last value, the whole journey.

    Raises:
        WorkshopError: No order shipped.
    """
    found: dict[str, list[float]] = {}
    for hops in journeys:
        moments = _moments(hops)
        if moments is None:
            continue
        for (start, end), (began, ended) in zip(pairwise(marks()), pairwise(moments), strict=True):
            label = start[0] if start[0] == end[0] else f"{start[0]} → {end[0]}"
            found.setdefault(label, []).append(_milliseconds(began, ended))
        found.setdefault(JOURNEY, []).append(_milliseconds(moments[0], moments[-1]))
    if not found:
        raise WorkshopError("None of these orders has a shipment yet.")
    return found


def latency_table(found: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Return the p50 and p90 of each hop, from `latencies`, as a table."""
    rows = []
    for label, values in found.items():
        spread = spread_of(values)
        rows.append({"hop": label, "p50": f"{spread.p50:.0f} ms", "p90": f"{spread.p90:.0f} ms"})
    return table(rows, "hop", "p50", "p90")


def hops_of_many(
    connection: Connection, order_ids: Collection[str], *, seconds: float = 30.0
) -> dict[str, list[Hop]]:
    """Return what the functions logged about each of many orders.

    It reads every log once, not once for each order. As `hops_of` does, it waits until the tracker
    has logged every published event.

    Args:
        connection: The stack.
        order_ids: Which orders.
        seconds: The timeout; after it, the hops found so far are returned.

    Raises:
        WorkshopError: There is no such order.
    """
    stack = connection.stack
    rows = (order_rows.row_of(stack, "orders", order_id) for order_id in order_ids)
    moments = [datetime.fromisoformat(row["placed_at"]) for row in rows if row]
    if not moments:
        raise WorkshopError("None of these orders is in the Orders table.")
    placed = min(moments)
    since = int((placed - CLOCKS_DIFFER).timestamp() * 1000)
    deadline = time.monotonic() + seconds
    while True:
        lines = [
            line
            for key, name in stack.outputs.function_names.items()
            for line in function_logs.read(stack, key, name, since)
        ]
        found = hops_by_order(lines, order_ids)
        complete = all(hops and not following.untracked(hops) for hops in found.values())
        if complete or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def hops_by_order(
    lines: Iterable[function_logs.LogLine], order_ids: Collection[str]
) -> dict[str, list[Hop]]:
    """Return the hops in log lines by order id, oldest first."""
    found: dict[str, set[Hop]] = {order_id: set() for order_id in order_ids}
    for line in lines:
        order_id = (line.parsed() or {}).get("correlation_id")
        hop = hop_of(line.function, line.message)
        if order_id in found and hop:
            found[order_id].add(hop)
    return {order_id: sorted(hops) for order_id, hops in found.items()}


@cache
def marks() -> tuple[Mark, ...]:
    """Return what is logged about an order that ships, in this order."""
    described = flow()
    steps = [(each.key, each.publishes[0]) for each in described.good_path if each.publishes]
    while steps[-1][1] not in described.statuses:  # what follows an order's last status
        steps.pop()
    found: list[Mark] = [(steps[0][0], "published", steps[0][1])]
    for (_, before), (function, after) in pairwise(steps):
        found += [(function, "consumed", before), (function, "published", after)]
    return (*found, (described.tracker.key, "tracked", steps[-1][1]))


def _moments(hops: Sequence[Hop]) -> list[datetime] | None:
    """Return when an order first passed each mark; None if it missed one."""
    first: dict[Mark, datetime] = {}
    for hop in sorted(hops):
        first.setdefault((hop.function, hop.what, hop.step.partition(" ")[0]), hop.at)
    expected = marks()
    return [first[mark] for mark in expected] if first.keys() >= set(expected) else None


def _milliseconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
