"""Show DynamoDB items and hops as pandas tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from workshop.journeys.hops import Hop

NOTHING = "–"
WIDEST = 90
"""Maximum characters of a cell; the default of pandas (50) cuts the reason of a failure."""

pd.set_option("display.max_colwidth", WIDEST)


def table(items: Iterable[Mapping[str, Any]], *columns: str) -> pd.DataFrame:
    """Return items as a table with these columns; the first names the rows.

    Args:
        items: Items, such as the result of a query; an attribute may be missing.
        columns: The attributes to show, in order.
    """
    rows = [[_shown(item.get(column)) for column in columns] for item in items]
    frame = pd.DataFrame(rows, columns=pd.Index(columns), dtype=object).set_index(columns[0])
    # Show the index name in the same line as the column names.
    return frame.rename_axis(index=None, columns=columns[0])


def hop_table(hops: Sequence[Hop]) -> pd.DataFrame:
    """Return an order's hops as a table: when, which function, what, and which step.

    The tracker is left out: it consumes every event, so its position varies.
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
    """Return a value for people to read."""
    match value:
        case None:
            return NOTHING
        case Mapping():
            return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
        case list() | tuple() | set():
            between = "; " if any(isinstance(inner, Mapping) for inner in value) else ", "
            return between.join(str(_shown(inner)) for inner in value)
    return value
