"""What DynamoDB and the logs say, as small pandas tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workshop.orders.journey import Hop

NOTHING = "–"
WIDEST = 90
"""Characters of a cell that are shown: pandas would cut a failure's reason at 50."""

pd.set_option("display.max_colwidth", WIDEST)


def table(items: Iterable[Mapping[str, Any]], *columns: str) -> pd.DataFrame:
    """Return items as a table with these columns; the first names the rows.

    Args:
        items: What a query answered, or anything alike. An attribute may be missing.
        columns: Which attributes, in which order.
    """
    rows = [[_shown(item.get(column)) for column in columns] for item in items]
    frame = pd.DataFrame(rows, columns=pd.Index(columns), dtype=object).set_index(columns[0])
    # The rows' name beside the columns' instead of in a line of its own.
    return frame.rename_axis(index=None, columns=columns[0])


def hop_table(hops: Sequence[Hop]) -> pd.DataFrame:
    """Return an order's hops as a table: when, which function, what, and which step.

    Without the tracker's: it listens to every event, so its place among the others is chance.
    """
    return table(
        (
            {
                "after": f"{(hop.at - hops[0].at).total_seconds() * 1000:.0f} ms",
                "function": hop.function,
                "what": hop.what,
                "step": hop.step,
            }
            for hop in hops
            if hop.function != "order-tracker"
        ),
        *("after", "function", "what", "step"),
    )


def _shown(value: Any) -> Any:
    """A value as people read it."""
    match value:
        case None:
            return NOTHING
        case Mapping():
            return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
        case list() | tuple() | set():
            between = "; " if any(isinstance(inner, Mapping) for inner in value) else ", "
            return between.join(str(_shown(inner)) for inner in value)
    return value
