"""An order's journey, for people to read."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workshop.journey import Hop, Row

COLOURS = {"failed": "red", "published": "green", "published again": "yellow", "tracked": "cyan"}

TELLING = {
    "orders": ("status", "total", "currency", "updated_at"),
    "payments": ("status", "attempts", "refund_attempts", "amount", "currency", "updated_at"),
    "inventory": ("status", "quantities", "recorded_at"),
    "shipments": ("status", "shipment_id", "prepared_at"),
}
"""Table → the attributes worth showing."""


def print_hops(console: Console, hops: Iterable[Hop]) -> list[Hop]:
    """Print each hop as it comes, with the time since the first one; return them all."""
    told = []
    for hop in hops:
        told.append(hop)
        console.print(line_of(hop, since=told[0].at))
    return told


def line_of(hop: Hop, *, since: datetime) -> Text:
    """Return a hop as one aligned line."""
    seconds = (hop.at - since).total_seconds()
    line = Text(f"  {seconds:+8.3f} s  {hop.function:<15}")
    line.append(f"{hop.what:<16}", style=COLOURS.get(hop.what, ""))
    line.append(hop.step)
    return line


def rows_table(rows: dict[str, Row]) -> Table:
    """Return what each service's table says of an order."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("table")
    table.add_column("what its row says")
    for name, row in rows.items():
        table.add_row(name, ", ".join(_facts(row, TELLING[name])))
    return table


def _facts(row: Row, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name in row:
            yield f"{name}={_short(row[name])}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}×{inner}" for key, inner in value.items())
    return str(value)
