"""How long each hop of an order takes, over many orders."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd

from workshop.errors import WorkshopError
from workshop.notebooks.connection import Connection
from workshop.notebooks.pictures.charts_layout import spread_of
from workshop.notebooks.tables import table
from workshop.orders import function_logs, journey
from workshop.orders.journey import Hop

POLL_SECONDS = 0.5
CLOCKS_DIFFER = timedelta(minutes=1)

MARKS = (
    ("order-api", "published", "order-created"),
    ("payment", "consumed", "order-created"),
    ("payment", "published", "payment-succeeded"),
    ("inventory", "consumed", "payment-succeeded"),
    ("inventory", "published", "stock-reserved"),
    ("shipping", "consumed", "stock-reserved"),
    ("shipping", "published", "shipment-prepared"),
    ("order-tracker", "tracked", "shipment-prepared"),
)
"""What is told of an order that ships, in this order: function, what, step."""

WHOLE = "the whole journey"


def latencies(journeys: Iterable[Sequence[Hop]]) -> dict[str, list[float]]:
    """Return the milliseconds of each hop, one value for each order that shipped.

    `order-api → payment` is an event's way, `payment` the work of a function. For each order they
    add up to the last one, the whole journey.

    Raises:
        WorkshopError: No order shipped.
    """
    found: dict[str, list[float]] = {}
    for hops in journeys:
        moments = _moments(hops)
        if moments is None:
            continue
        for (start, end), (began, ended) in zip(pairwise(MARKS), pairwise(moments), strict=True):
            label = start[0] if start[0] == end[0] else f"{start[0]} → {end[0]}"
            found.setdefault(label, []).append(_milliseconds(began, ended))
        found.setdefault(WHOLE, []).append(_milliseconds(moments[0], moments[-1]))
    if not found:
        raise WorkshopError("None of these orders has come as far as its shipment.")
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

    It reads every log once instead of once for each order, and waits, as `hops_of` does, until the
    tracker has told of every event that was published.

    Raises:
        WorkshopError: There is no such order.
    """
    stack = connection.stack
    rows = (journey.row_of(stack, "orders", order_id) for order_id in order_ids)
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
        complete = all(hops and not journey.untracked(hops) for hops in found.values())
        if complete or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def hops_by_order(
    lines: Iterable[function_logs.LogLine], order_ids: Collection[str]
) -> dict[str, list[Hop]]:
    """Return the hops that log lines tell of, for each of these orders, oldest first."""
    found: dict[str, set[Hop]] = {order_id: set() for order_id in order_ids}
    for line in lines:
        order_id = (line.parsed() or {}).get("correlation_id")
        hop = journey.hop_of(line.function, line.message)
        if order_id in found and hop:
            found[order_id].add(hop)
    return {order_id: sorted(hops) for order_id, hops in found.items()}


def _moments(hops: Sequence[Hop]) -> list[datetime] | None:
    """When an order passed each mark for the first time; None if it missed one."""
    first: dict[tuple[str, str, str], datetime] = {}
    for hop in sorted(hops):
        first.setdefault((hop.function, hop.what, hop.step.partition(" ")[0]), hop.at)
    return [first[mark] for mark in MARKS] if first.keys() >= set(MARKS) else None


def _milliseconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
