"""A measured figure, its floor, its conventional twin, and its budget."""

from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the bench: a measured value, and what is compared with it in the same run.

    Attributes:
        what: What is measured.
        unit: Of all three values; empty for a number.
        measured: Ours.
        budget: The budget, one of the project's design.
        met: Whether it is met; None if there is none.
        floor: The lowest possible value, such as that of the bare functions.
        note: What the floor is, or anything else that a reader needs.
        conventional: The value of the conventional twin.
    """

    what: str
    unit: str
    measured: float
    budget: str
    met: bool | None
    floor: float | None = None
    note: str = ""
    conventional: float | None = None


MET = {True: "yes", False: "NO", None: "–"}
"""How a table shows whether a budget is met."""


def table_of(figures: list[Figure]) -> Table:
    """Return the figures as a table for people."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("what", overflow="fold")
    for column in ("measured", "floor", "ratio", "conventional", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("budget", overflow="fold")
    table.add_column("met")
    for figure in figures:
        table.add_row(
            figure.what + (f" ({figure.note})" if figure.note else ""),
            shown(figure.measured, figure.unit),
            shown(figure.floor, figure.unit),
            ratio(figure.measured, figure.floor),
            shown(figure.conventional, figure.unit),
            ratio(figure.measured, figure.conventional),
            figure.budget,
            MET[figure.met],
        )
    return table


def shown(value: float | None, unit: str) -> str:
    """Return a value with its unit; a dash if there is none."""
    if value is None:
        return "–"
    digits = 0 if value >= 100 or float(value).is_integer() else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def ratio(measured: float, other: float | None) -> str:
    """Return a value as a multiple of another; a dash if there is none."""
    return f"{measured / other:.2f}" if other else "–"
