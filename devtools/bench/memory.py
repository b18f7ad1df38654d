"""The memory of the functions: what a cold start and a run take at each size, and what they cost.

Lambda gives CPU time in proportion to memory: one virtual CPU at 1,769 MB. So the CPU time of a
cold start and of a run is measured with a whole core, and divided by the share of each size.
"""

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from devtools.bench import in_process
from devtools.bench.cases import CASES
from devtools.documents import events
from devtools.scaling import cost, order
from devtools.scaling.data import prices
from workshop.deployment import bundles

RECORD = Path(__file__).parent / "records" / "memory.json"

SIZES = (256, 512, 1024)
"""Memory in MB."""
MB_PER_CPU = 1769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
LONGEST_SECONDS = 1.0
"""What a typical cold start may take at the size that is chosen."""
STARTS, RUNS = 15, 3
"""New processes for each function; the fastest counts: other programs disturbed it least."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A function's CPU time, in milliseconds of a whole core.

    Attributes:
        start: A cold start with its first event.
        run: Each further event, with its requests up to the connection.
    """

    start: float
    run: float


Functions = Mapping[str, Measured]
"""A function's key, such as `order-tracker`, and what was measured."""


def measure() -> dict[str, Measured]:
    """Measure the functions that ship an order.

    Raises:
        WorkshopError: A function does not process its event.
    """
    keys = {function.handler: function.key for function in events.functions()}
    found = {}
    with in_process.unpacked(bundles.build()) as folders:
        for case in CASES:
            key = keys[f"{case.module}.{case.function}"]
            if key in order.runs():
                arguments = ("cold", case.module, case.function)
                folder, event = folders[case.package], case.event()
                starts = [in_process.run(arguments, event, folder)["cpu_ms"] for _ in range(STARTS)]
                runs = [
                    in_process.run((*arguments, "again"), event, folder)["event_cpu_ms"]
                    for _ in range(RUNS)
                ]
                found[key] = Measured(round(min(starts)), round(min(runs), 1))
    return found


def write(found: Functions, path: Path = RECORD) -> None:
    """Write the record of a measurement."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {key: asdict(each) for key, each in found.items()}
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def read(path: Path = RECORD) -> dict[str, Measured]:
    """Return the record of the last measurement."""
    found = json.loads(path.read_text("utf-8"))
    return {key: Measured(**each) for key, each in found.items()}


def seconds(cpu_ms: float, size: int) -> float:
    """Return how long CPU time takes at a size; no function here has two threads that work."""
    return cpu_ms / 1000 / min(1.0, size / MB_PER_CPU)


def run_seconds(key: str, measured: Measured, size: int) -> float:
    """Return how long a run takes: CPU time, and waiting for AWS."""
    requests = sum(times for (function, _), times in order.requests().items() if function == key)
    waits = requests / order.runs()[key] * order.assumed("request_seconds")
    return seconds(measured.run, size) + waits


def dollars_a_million(found: Functions, size: int) -> float:
    """Return what Lambda's time for a million shipped orders costs, without cold starts."""
    each = sum(
        times * run_seconds(key, found[key], size) * size / 1024
        for key, times in order.runs().items()
    )
    return each * cost.MILLION * prices()["lambda-time"].each


def typical_start(found: Functions, size: int) -> float:
    """Return how many seconds a cold start takes: the median of the functions."""
    return seconds(statistics.median(each.start for each in found.values()), size)


def chosen(found: Functions) -> int:
    """Return the smallest size at which a typical cold start is short enough; else the largest."""
    enough = (size for size in SIZES if typical_start(found, size) < LONGEST_SECONDS)
    return next(enough, SIZES[-1])


def table() -> str:
    """Return the table of the record as Markdown."""
    found = read()
    choice = chosen(found)
    head = (
        *("memory", "of a virtual CPU", "cold start, typical", "the slowest"),
        *("run, typical", "per million orders"),
    )
    rows = [head, ("---",) * len(head)]
    for size in SIZES:
        slowest = max(seconds(each.start, size) for each in found.values())
        run = statistics.median(run_seconds(key, each, size) for key, each in found.items())
        rows.append(
            (
                f"**{size:,} MB**" if size == choice else f"{size:,} MB",
                f"{size / MB_PER_CPU:.0%}".replace("%", " %"),
                f"{typical_start(found, size):.2f} s",
                f"{slowest:.2f} s",
                f"{run * 1000:.0f} ms",
                f"${dollars_a_million(found, size):.2f}",
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
