"""An order's journey, for people to read."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workshop.console import SignOfLife
from workshop.orders.journey import Hop, Row

COLOURS = {"failed": "red", "published": "green", "published again": "yellow", "tracked": "cyan"}

TELLING = {
    "orders": ("status", "total", "updated_at"),
    "payments": ("status", "attempts", "refund_attempts", "amount", "updated_at"),
    "inventory": ("status", "quantities", "missing", "recorded_at"),
    "shipments": ("status", "shipment_id", "prepared_at"),
}
"""Table → what of its row is worth showing."""
_MONEY = {"total", "amount"}
_NARROWEST = 24
"""Columns that a hop's step has at least, however narrow the terminal."""


def print_hops(console: Console, hops: Iterable[Hop | None]) -> list[Hop]:
    """Print each hop as it comes, with the time since the first one; return them all."""
    told: list[Hop] = []
    with SignOfLife("Waiting for the next step …") as sign:
        for hop in hops:
            if hop is None:
                sign.waiting()
                continue
            sign.over()
            told.append(hop)
            console.print(line_of(hop, since=told[0].at, width=console.width))
    return told


def line_of(hop: Hop, *, since: datetime, width: int = 80) -> Text:
    """Return a hop as one aligned line; what does not fit hangs below its step."""
    seconds = (hop.at - since).total_seconds()
    line = Text(f"  {seconds:+7.3f} s {hop.function:<15}")
    line.append(f"{hop.what:<16}", style=COLOURS.get(hop.what, ""))
    indent = len(line)
    step = textwrap.wrap(hop.step, max(width - indent, _NARROWEST), break_on_hyphens=False)
    line.append(f"\n{' ' * indent}".join(step))
    return line


def rows_table(rows: dict[str, Row]) -> Table:
    """Return what each service's table says of an order."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("table")
    table.add_column("what its row says")
    for name, row in rows.items():
        table.add_row(name, ", ".join(_facts(row, TELLING[name])))
    return table


def money(amount: Any, currency: str) -> str:
    """Return an amount in minor units as people write it: 137.00 EUR."""
    return f"{int(amount) / 100:.2f} {currency}"


def _facts(row: Row, names: Iterable[str]) -> Iterator[str]:
    shown = row | {"missing": " ".join(_missing_skus(row))}
    for name in names:
        if name in _MONEY and name in row:
            yield f"{name}={money(row[name], row['currency'])}"
        elif shown.get(name):
            yield f"{name}={_short(shown[name])}"


def _missing_skus(row: Row) -> list[str]:
    """What was not to be had: it stands in the event that the row keeps."""
    inventory = json.loads(row.get("outcome") or "{}").get("data", {}).get("inventory", {})
    missing: list[str] = inventory.get("missing_skus", [])
    return missing


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}×{inner}" for key, inner in value.items())
    return str(value)
