"""The figures of a soak, and whether its memory is flat."""

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

from devtools.reliability.record import Record
from devtools.soak.run import Result
from devtools.soak.sampling import Sample

FEWEST_ORDERS = 5_000
"""Memory is judged only after so many orders: with fewer, logs and records still fill up to their
limits, and functions still start."""

SERVER_LIMIT_KB = 60.0
"""Memory that the server may need for each further order, in KB. It keeps what an emulator stores:
the rows of an order take 21 KB, its archived events 7 KB, and values of metrics 9 KB until their
limit is reached. All else must have a limit, too: a log of all lines would take 33 KB."""

FUNCTIONS_LIMIT = 1.15
"""Memory of the functions in the last quarter of the load, compared with the second quarter."""

PICTURE = "docs/soak.svg"


def growth(result: Result) -> tuple[float, float]:
    """Return how memory grows after the first half of the load.

    Returns:
        KB of the server for each order, and the functions' memory in the last quarter as a multiple
        of that in the second quarter.
    """
    quarters = [_part(result, number / 4, (number + 1) / 4) for number in range(4)]
    middle, end = quarters[2][0], quarters[3][-1]
    orders = max(end.placed - middle.placed, 1)
    functions = [mean(each.functions for each in quarters[number]) for number in (1, 3)]
    return 1024 * (end.server - middle.server) / orders, functions[1] / functions[0]


def is_judged(result: Result) -> bool:
    """Return whether there were enough orders to judge memory."""
    return len(result.orders) >= FEWEST_ORDERS


def findings(result: Result) -> list[str]:
    """Return what is wrong with memory, in sentences; none if it is flat, or cannot be judged."""
    if not is_judged(result):
        return []
    server, functions = growth(result)
    found = []
    if server > SERVER_LIMIT_KB:
        found.append(f"The server needs {server:.0f} KB more for each order, not {SERVER_LIMIT_KB}")
    if functions > FUNCTIONS_LIMIT:
        found.append(f"The functions' memory grew to {functions:.2f} times of what it was")
    return found


def figures(result: Result, seed: int) -> dict[str, Any]:
    """Return name → value, in the order of the report; latencies are medians over the load."""
    outcomes, samples = result.latencies.outcomes, result.samples
    kinds = ("duplicated", "delayed", "reordered", "dropped", "refused")
    loaded = _part(result, 0, 1)
    p50 = median([each.p50 for each in loaded if each.p50 is not None] or [0])
    p99 = median([each.p99 for each in loaded if each.p99 is not None] or [0])
    longest = max((each.p99 for each in samples if each.p99 is not None), default=0)
    server, functions = growth(result)
    return {
        "orders": len(result.orders),
        "seed": seed,
        **{f"deliveries {kind}": outcomes[kind] for kind in kinds},
        "functions killed between write and publish": outcomes["killed"],
        "dead letters redriven": result.redriven,
        "orders re-published by the reconciler": result.republished,
        "rounds of redrive and reconcile": result.rounds,
        **{f"orders {status}": count for status, count in result.totals["orders"].items()},
        **{f"{what}, EUR": f"{n / 100:.2f}" for what, n in result.totals["money"].items()},
        "minutes": round(result.seconds / 60, 1),
        "orders per second": round(len(result.orders) / result.load_seconds, 1),
        "from first to last event without recovery, p50, s": round(p50 / 1000, 1),
        "from first to last event without recovery, p99 of each two seconds, s": round(
            p99 / 1000, 1
        ),
        "from first to last event with recovery, at most, min": round(longest / 60_000, 1),
        "most deliveries in the queue": max(each.queued for each in samples),
        "most dead letters": max(each.dead for each in samples),
        "server's memory, peak MB": round(max(each.server for each in samples)),
        "server's memory, end MB": round(samples[-1].server),
        "server's growth in the second half, KB per order": round(server),
        "functions' memory, peak MB": round(max(each.functions for each in samples)),
        "functions' memory, end MB": round(samples[-1].functions),
        "functions' memory, last quarter of the load / second quarter": round(functions, 2),
    }


def record(result: Result, seed: int) -> Record:
    """Return the record of a soak for the report."""
    return Record(
        suite="soak",
        title="Thousands of orders under faults",
        what=[
            (
                "Orders go through all services on an eventually consistent local cloud, while "
                "events are duplicated, delayed, reordered, dropped and refused, and functions are "
                "killed between write and publish."
            ),
            (
                "Then redrive and reconcile run until nothing is open: the queues must be empty, "
                "each order at its right end, money and stock balanced, and memory flat: "
                "the server keeps the rows, archived events and metrics of each order, and no more."
            ),
        ],
        command="make soak",
        figures=[{"name": name, "value": value} for name, value in figures(result, seed).items()],
        found=[
            {
                "what": "The local cloud kept every log line of every function for ever.",
                "test": "tests/local_cloud/test_ministack_in_process.py"
                "::test_a_patch_does_what_no_request_shows",
            }
        ],
        not_covered=[
            "The speed of AWS: the machine runs server, functions and load on its few cores.",
        ],
        plots=[PICTURE],
    )


def _part(result: Result, start: float, end: float) -> Sequence[Sample]:
    """Return the samples of a part of the load; the nearest one if there is none."""
    first, last = start * result.load_seconds, end * result.load_seconds
    inside = [each for each in result.samples if first <= each.seconds <= last]
    return inside or [min(result.samples, key=lambda each: abs(each.seconds - first))]
