"""AWS requests that one shipped order makes, by what AWS counts and bills."""

import re
from collections import defaultdict
from pathlib import Path

from devtools.bench.figures import Figure
from workshop.errors import WorkshopError
from workshop.paths import ROOT

TABLE = ROOT / "docs" / "cost.md"
"""Its table is what the code does: a test counts every request and holds them against it."""

SMALLEST = {
    # Order, reservation and shipment once; payment's intent and outcome; the status after each of
    # four events.
    "DynamoDB": 3 + 2 + 4,
    # Each of the four steps announces itself once.
    "EventBridge": 4,
    # The four steps, and the tracker for each of their events.
    "Lambda": 4 + 4,
}
"""What write-once and publish-once leave no way around."""


def figures(table: Path = TABLE) -> list[Figure]:
    """Hold the documented requests against the fewest there can be.

    Raises:
        WorkshopError: The table is not there.
    """
    counted = _counted(table.read_text("utf-8"))
    return [
        Figure(
            f"AWS requests per shipped order: {service}",
            "",
            counted[service],
            f"≤ {fewest}, all that write-once and publish-once allow",
            counted[service] <= fewest,
            fewest,
        )
        for service, fewest in SMALLEST.items()
    ]


def _counted(text: str) -> dict[str, int]:
    """Service → requests."""
    functions: dict[str, dict[str, int]] = defaultdict(dict)
    for function, request, times in re.findall(r"(?m)^\| ([\w-]+) \| (\w+) \| (\d+) \|", text):
        functions[function][request] = int(times)
    if not functions:
        raise WorkshopError("the table of requests is missing from the document of costs")
    published = {name: made.pop("PutEvents", 0) for name, made in functions.items()}
    return {
        "DynamoDB": sum(sum(made.values()) for made in functions.values()),
        "EventBridge": sum(published.values()),
        # A function publishes once a run; one that never does writes once a run.
        "Lambda": sum(published[name] or sum(made.values()) for name, made in functions.items()),
    }
