"""The conventional twin's AWS requests and dollars for a shipped order, counted in its code."""

import io
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from typing import Any

from devtools.bench.conventional import in_memory
from devtools.bench.conventional.flow import TABLES
from devtools.bench.figures import Figure
from devtools.scaling import cost, order
from devtools.scaling.cost import GB, Line
from workshop.orders.api_client import order_request

LINES = ("KEYBOARD", "MOUSE")
"""As many as the usual order of the cost model has."""

LONGER = ("orders", "payments", "reservations", "shipments")
"""Tables with names, addresses and ids, which are longer than the example's."""


@dataclass(frozen=True)
class Counted:
    """What the twin does for one shipped order.

    Attributes:
        requests: (function, operation, table) → AWS requests.
        runs: Function → runs.
        units: Table → write units.
        inputs: Function → the input it got.
    """

    requests: Mapping[in_memory.Request, int]
    runs: Mapping[str, int]
    units: Mapping[str, int]
    inputs: Mapping[str, Any]

    def by_service(self) -> dict[str, int]:
        """Return the requests by what AWS bills, as `devtools.bench.request_count` does."""
        published = sum(n for (_, what, _), n in self.requests.items() if what == "PutEvents")
        return {
            "DynamoDB": sum(self.requests.values()) - published,
            "EventBridge": published,
            "Lambda": sum(self.runs.values()),
        }


@cache
def counted() -> Counted:
    """Run one usual order through the twin's functions and count."""
    with redirect_stdout(io.StringIO()), in_memory.running(dict.fromkeys(LINES, 10)) as flow:
        request = order_request(dict.fromkeys(LINES, 1))
        flow.invoke("place", in_memory.order_event(request, "cost"))
        flow.deliver()
        requests, runs, inputs = Counter(flow.requests), Counter(flow.runs), dict(flow.inputs)
        units = {table: _units(flow.items(table), table) for table in TABLES}
    written: Counter[str] = Counter()
    for (_, operation, table), times in requests.items():
        if operation == "TransactWriteItems":
            written["reservations"] += order.TRANSACTIONAL * times * units["reservations"]
            written["stock"] += order.TRANSACTIONAL * times * len(LINES) * units["stock"]
        elif operation != "PutEvents":
            written[table] += times * units[table]
    return Counted(requests, runs, written, inputs)


def a_million() -> float:
    """Return the cost of a million shipped orders in dollars, as `devtools.scaling.cost` does.

    A run takes as long as ours per AWS request in it: the model's time is an estimate, and what
    differs is the number of requests.
    """
    twin = counted()
    runs = sum(twin.runs.values())
    seconds = order.run_seconds() / order.requests().total() * sum(twin.requests.values())
    lines = [
        Line("writes", sum(twin.units.values()), "dynamodb-write"),
        Line("logs", runs * order.assumed("log_bytes") / GB, "logs"),
        Line("events", twin.by_service()["EventBridge"], "events"),
        Line("runs", runs, "lambda-request"),
        Line("time", seconds * order.assumed("memory_gb"), "lambda-time"),
        Line("api", 1, "http-api"),
    ]
    return sum(line.dollars_a_million for line in lines)


def figure() -> Figure:
    """Return the dollars of a million shipped orders, ours and the twin's."""
    return Figure(
        "dollars per million shipped orders",
        "USD",
        cost.a_million(order.usual()),
        "–",
        None,
        note=f"without our indexes ${ours_without_indexes():.0f}; the conventional flow has none",
        conventional=a_million(),
    )


def ours_without_indexes() -> float:
    """Return our cost of a million shipped orders without the indexes, which the twin lacks."""
    units = order.write_units(order.usual())
    indexed = sum(units[name] for name in order.indexes())
    saved = Line("writes", indexed, "dynamodb-write").dollars_a_million
    return cost.a_million(order.usual()) - saved


def _units(items: list[dict[str, Any]], table: str) -> int:
    """Return the write units of the largest item of a table."""
    longer = order.usual().longer_bytes if table in LONGER else 0
    sizes = [sum(len(name) + _bytes(value) for name, value in item.items()) for item in items]
    return math.ceil((max(sizes) + longer) / order.KILOBYTE)


def _bytes(value: Mapping[str, Any]) -> int:
    """Return the size of a typed value as DynamoDB counts it: an overhead for lists and maps."""
    [(kind, content)] = value.items()
    if kind == "M":
        return 3 + sum(len(name) + 1 + _bytes(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _bytes(each) for each in content)
    return len(str(content).encode()) if kind in ("S", "N") else 1
