"""The numbers behind the charts: quantiles, scattered dots, and the end of the axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

GOLDEN = 0.618
AXIS_FACTOR = 1.5
"""An axis with outliers ends at the largest p90 of all rows times this."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of a hop's latencies, in milliseconds."""

    p25: float
    p50: float
    p75: float
    p90: float
    dots: tuple[tuple[float, float], ...]
    """Latency, and the vertical position in its row, from -1 to 1."""


def spread_of(values: Sequence[float]) -> Spread:
    """Return the distribution of latencies."""
    p25, p50, p75, p90 = np.quantile(values, (0.25, 0.5, 0.75, 0.9)).tolist()
    # Steps of the golden ratio scatter the dots evenly, and the same way in every run.
    dots = tuple((value, (at * GOLDEN % 1) * 2 - 1) for at, value in enumerate(sorted(values)))
    return Spread(p25, p50, p75, p90, dots)


def axis_end(rows: Iterable[Spread]) -> float:
    """Return the end of the shared axis: the largest value, unless it is an outlier."""
    rows = list(rows)
    largest = max(value for row in rows for value, _ in row.dots)
    usual = max(row.p90 for row in rows) * AXIS_FACTOR
    return max(min(largest * 1.04, usual), 0.001)
