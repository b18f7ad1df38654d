"""Format an order's journey for the terminal."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workshop.console import Spinner
from workshop.journeys.hops import Hop
from workshop.journeys.order_rows import Row
from workshop.stages import flow

COLOURS = {
    "published": "green",
    "published again": "yellow",
    "tracked": "cyan",
    "refused": "yellow",
    **dict.fromkeys(("failed", "killed", "dropped", "dead-lettered"), "red"),
}

_MONEY = {"total", "amount"}
_NARROWEST = 24
"""Minimum columns of a hop's step, however narrow the terminal."""


def print_hops(console: Console, hops: Iterable[Hop | None]) -> list[Hop]:
    """Print each hop when it comes, with the time since the first one; return all hops."""
    printed: list[Hop] = []
    with Spinner("Waiting for the next step …") as spinner:
        for hop in hops:
            if hop is None:
                spinner.waiting()
                continue
            spinner.over()
            printed.append(hop)
            console.print(line_of(hop, since=printed[0].at, width=console.width))
    return printed


def line_of(hop: Hop, *, since: datetime, width: int = 80) -> Text:
    """Return a hop as an aligned line; a long step is wrapped below itself."""
    seconds = (hop.at - since).total_seconds()
    line = Text(f"  {seconds:+7.3f} s {hop.function:<15}")
    line.append(f"{hop.what:<16}", style=COLOURS.get(hop.what, ""))
    indent = len(line)
    step = textwrap.wrap(hop.step, max(width - indent, _NARROWEST), break_on_hyphens=False)
    line.append(f"\n{' ' * indent}".join(step))
    line.rstrip()
    return line


def rows_table(rows: dict[str, Row]) -> Table:
    """Return a table of an order's rows in the services' tables."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("table")
    table.add_column("what its row says")
    for name, row in rows.items():
        table.add_row(name, ", ".join(_facts(row, flow().tables[name].shows)))
    return table


def money(amount: Any, currency: str) -> str:
    """Return an amount in minor units for people: 137.00 EUR, 13700 JPY, 5.000 KWD."""
    from iso4217 import Currency

    try:
        exponent = Currency(currency).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        return f"{int(amount)} minor units of {currency}"
    return f"{Decimal(int(amount)).scaleb(-exponent):.{exponent}f} {currency}"


def _facts(row: Row, names: Iterable[str]) -> Iterator[str]:
    shown = row | {"missing": " ".join(_missing_skus(row))}
    for name in names:
        if name in _MONEY and name in row:
            yield f"{name}={money(row[name], row['currency'])}"
        elif shown.get(name):
            yield f"{name}={_short(shown[name])}"


def _missing_skus(row: Row) -> list[str]:
    """Return the SKUs that were out of stock, from the row's stored event."""
    inventory = json.loads(row.get("outcome") or "{}").get("data", {}).get("inventory", {})
    missing: list[str] = inventory.get("missing_skus", [])
    return missing


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}×{inner}" for key, inner in value.items())
    return str(value)
