"""The figures behind the charts: quantiles, dots beside each other, an axis that outliers fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GOLDEN = 0.618
ROOM = 1.5
"""How far an axis goes beyond the widest row's p90, when something lies further out."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a hop's latencies are spread, in milliseconds."""

    p25: float
    p50: float
    p75: float
    p90: float
    dots: tuple[tuple[float, float], ...]
    """Latency, and how far off the row's middle it is drawn, from -1 to 1."""


def spread_of(values: Sequence[float]) -> Spread:
    """Return how latencies are spread."""
    p25, p50, p75, p90 = (quantile(values, share) for share in (0.25, 0.5, 0.75, 0.9))
    # Steps of the golden ratio scatter dots evenly, and alike in every run.
    dots = tuple((value, (at * GOLDEN % 1) * 2 - 1) for at, value in enumerate(sorted(values)))
    return Spread(p25, p50, p75, p90, dots)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the values does not exceed, between neighbours."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def axis_end(rows: Iterable[Spread]) -> float:
    """Return where a shared axis ends: at the largest value, unless that is an outlier."""
    rows = list(rows)
    largest = max(value for row in rows for value, _ in row.dots)
    usual = max(row.p90 for row in rows) * ROOM
    return max(min(largest * 1.04, usual), 0.001)
