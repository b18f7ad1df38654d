"""The figures behind the charts: quantiles, scattered dots, an axis that ends before outliers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

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
    p25, p50, p75, p90 = np.quantile(values, (0.25, 0.5, 0.75, 0.9)).tolist()
    # Steps of the golden ratio scatter dots evenly, and alike in every run.
    dots = tuple((value, (at * GOLDEN % 1) * 2 - 1) for at, value in enumerate(sorted(values)))
    return Spread(p25, p50, p75, p90, dots)


def axis_end(rows: Iterable[Spread]) -> float:
    """Return where a shared axis ends: at the largest value, unless that is an outlier."""
    rows = list(rows)
    largest = max(value for row in rows for value, _ in row.dots)
    usual = max(row.p90 for row in rows) * ROOM
    return max(min(largest * 1.04, usual), 0.001)
