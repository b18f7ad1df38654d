"""The work of the functions for an order: requests, write units, runs."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from devtools.scaling.data import read

KILOBYTE = 1024
TRANSACTIONAL = 2
"""DynamoDB counts twice the units for a write in a transaction."""
ITEM_OVERHEAD = 100
"""Bytes that DynamoDB adds to each item and index entry it stores."""

SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of an order.

    Attributes:
        lines: The number of different SKUs.
        longer_bytes: The bytes by which its items are longer than the example's.
    """

    lines: int
    longer_bytes: int


def assumed(name: str) -> float:
    """Return one of the model's assumptions."""
    return float(read("order")["assumed"][name])


@cache
def usual() -> Shape:
    """Return the usual order, which all documents use."""
    return Shape(lines=int(assumed("lines")), longer_bytes=int(assumed("longer_bytes")))


@cache
def indexes() -> Mapping[str, str]:
    """Return all indexes, each with its table."""
    return {name: one["table"] for name, one in read("order")["indexes"].items()}


def endings() -> list[str]:
    """Return how an order can end."""
    return list(read("order")["endings"])


def runs(ending: str = SHIPPED) -> Counter[str]:
    """Return how often each function runs for an order: function → runs."""
    counted: Counter[str] = Counter()
    for run, times in _runs(ending):
        counted[run["function"]] += times
    return counted


def requests(ending: str = SHIPPED) -> Counter[tuple[str, str]]:
    """Return the functions' AWS requests: (function, request) → times."""
    counted: Counter[tuple[str, str]] = Counter()
    names = read("order")["request_of"]
    for run, times in _runs(ending):
        function = run["function"]
        written = len(run.get("writes", [])) + len(run.get("transactions", []))
        counted[function, names[function]] += times * written
        counted[function, "PutEvents"] += times * run.get("publishes", 0)
    return +counted


def reconciler_requests() -> Counter[str]:
    """Return the reconciler's AWS requests for each stalled order: request → times."""
    return Counter(read("order")["reconciler"])


def events(ending: str = SHIPPED) -> int:
    """Return how many events an order puts on the bus."""
    return sum(times for (_, request), times in requests(ending).items() if request == "PutEvents")


def dead_letters(ending: str) -> int:
    """Return how many messages an order leaves in dead-letter queues."""
    return int(read("order")["dead_letters"].get(ending, 0))


def write_units(shape: Shape, ending: str = SHIPPED) -> Counter[str]:
    """Return the write units of an order: table or index → units."""
    counted: Counter[str] = Counter()
    for run, times in _runs(ending):
        for write, factor in _writes(run):
            item = write["item"]
            count = times * factor * (shape.lines if write.get("each_line") else 1)
            table = read("order")["items"][item]["table"]
            counted[table] += count * _units(item_bytes(shape, item))
            for index in write.get("indexes", []):
                counted[index] += count * _units(entry_bytes(shape, index))
    return counted


def units_by_table(shape: Shape, ending: str = SHIPPED) -> Counter[str]:
    """Return the same with each table's indexes added to it, as in the bill."""
    counted: Counter[str] = Counter()
    for name, units in write_units(shape, ending).items():
        counted[indexes().get(name, name)] += units
    return counted


def item_bytes(shape: Shape, item: str) -> int:
    """Return how large an item is."""
    size = read("order")["items"][item]
    longer = 0 if item == "stock" else shape.longer_bytes
    return int(size["bytes"] + shape.lines * size["each_line"] + longer)


def entry_bytes(shape: Shape, index: str) -> int:
    """Return how large an index's entry is."""
    one = read("order")["indexes"][index]
    return item_bytes(shape, one["item"]) if "item" in one else int(one["bytes"])


def kept_bytes(shape: Shape) -> int:
    """Return the bytes of an order that stay after its end: no record expires."""
    items = ("order", "payment", "reservation", "shipment")
    kept = [item_bytes(shape, item) for item in items]
    kept += [entry_bytes(shape, index) for index in ("by-customer", "by-status")]
    return sum(kept) + ITEM_OVERHEAD * len(kept)


def run_seconds(ending: str = SHIPPED) -> float:
    """Return the seconds of all functions together for an order."""
    return runs(ending).total() * assumed("run_seconds")


def _runs(ending: str) -> Iterator[tuple[dict[str, Any], int]]:
    kinds = read("order")["runs"]
    for name, times in read("order")["endings"][ending].items():
        yield kinds[name], times


def _writes(run: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    for write in run.get("writes", []):
        yield write, 1
    for transaction in run.get("transactions", []):
        for write in transaction:
            yield write, TRANSACTIONAL


def _units(size: int) -> int:
    return math.ceil(size / KILOBYTE)
