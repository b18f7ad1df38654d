"""A measured figure, its floor, and its budget."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the bench: what was measured, beside the floor measured in the same run.

    The budgets are those of the project's design; `met` is None where there is none.
    """

    what: str
    unit: str
    measured: float
    budget: str
    met: bool | None
    floor: float | None = None
    note: str = ""


def table_of(figures: list[Figure]) -> Table:
    """Return the figures as a table for people."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("what", overflow="fold")
    for column in ("measured", "floor", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("budget", overflow="fold")
    table.add_column("met")
    for figure in figures:
        table.add_row(
            figure.what + (f" ({figure.note})" if figure.note else ""),
            _number(figure.measured, figure.unit),
            "–" if figure.floor is None else _number(figure.floor, figure.unit),
            f"{figure.measured / figure.floor:.2f}" if figure.floor else "–",
            figure.budget,
            {True: "yes", False: "NO", None: "–"}[figure.met],
        )
    return table


def as_json(figures: list[Figure]) -> list[dict[str, Any]]:
    """Return the figures for programs."""
    return [asdict(figure) for figure in figures]


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or float(value).is_integer() else 2
    return f"{value:,.{digits}f} {unit}".rstrip()
