"""Pictures of the model, as SVG on white paper: readable on a light page and on a dark one."""

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from devtools.scaling import ceilings, contention, order, tables
from workshop.notebooks.pictures import style as look

FAMILY = [look.FONT, "Verdana", "sans-serif"]
"""Verdana is as wide as the font that comes with matplotlib, and more readers have it."""

COUNTED, ESTIMATED = "#3b5bdb", "#a85400"
ROW = 25.0
LEFT, RIGHT, TOP, BOTTOM = 300.0, 90.0, 76.0, 56.0
SHARDS = ((1, "#c92a2a"), (4, "#a85400"), (16, "#087f5b"))
CURVE = [10 ** (1 + step / 60) for step in range(121)]
"""Orders a second, from 10 to 1,000."""


def first() -> bytes:
    """Return the picture of what breaks first."""
    found = ceilings.ceilings(order.usual())
    made = look.figure(TOP + ROW * len(found) + BOTTOM)
    axes = look.chart(made, left=LEFT, right=RIGHT, top=TOP, bottom=BOTTOM)
    axes.set_xscale("log")
    axes.set_xlim(1, 40_000)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks([])
    _ticks(axes, (1, 10, 100, 1000, 10_000))
    for row, one in enumerate(found):
        colour = ESTIMATED if one.estimated else COUNTED
        axes.hlines(row, 1, one.rate, color=look.light(colour, 0.35), lw=7, zorder=2)
        axes.plot([one.rate], [row], "o", color=colour, markersize=7, zorder=3)
        _beside(axes, (one.rate, row), tables.shown(one), colour)
    sheet = look.sheet(made)
    _write(sheet, 20, 24, "What is full first", size=look.LARGE, weight="bold")
    _write(sheet, 20, 50, "counted requests against a quota", color=COUNTED)
    _write(sheet, 250, 50, "rests on an estimate as well", color=ESTIMATED)
    for row, one in enumerate(found):
        _write(sheet, 20, TOP + ROW * (row + 0.5), one.name)
    floor = TOP + ROW * len(found)
    under = "orders a second (each line is ten times the one before)"
    _write(sheet, LEFT, floor + 40, under, color=look.QUIET)
    return svg(made, "Orders a second at which each limit is reached, the lowest first")


def hot_sku() -> bytes:
    """Return the picture of one SKU that everybody wants."""
    seconds = order.assumed("conflict_seconds")
    made = look.figure(340)
    axes = look.chart(made, left=70, right=150, top=TOP, bottom=BOTTOM)
    axes.set_xscale("log")
    axes.set_xlim(CURVE[0], CURVE[-1])
    axes.set_ylim(0, 100)
    axes.grid(axis="y", color=look.BAND)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(0, 101, 20), [f"{n} %" for n in range(0, 101, 20)], family=FAMILY)
    _ticks(axes, (10, 20, 50, 100, 200, 500, 1000))
    for shards, colour in SHARDS:
        shares = [100 * contention.left_over(rate, seconds, shards) for rate in CURVE]
        axes.plot(CURVE, shares, color=colour, lw=2, clip_on=False)
        _beside(axes, (CURVE[-1], shares[-1]), _items(shards), colour)
    sheet = look.sheet(made)
    title = "One SKU that everybody wants: orders that meet another in all six tries"
    _write(sheet, 20, 24, title, size=look.LARGE, weight="bold")
    under = f"estimate: a transaction keeps others off a stock item for {seconds * 1000:g} ms"
    _write(sheet, 20, 50, under, color=look.QUIET)
    _write(sheet, 70, 322, "orders a second that want this SKU", color=look.QUIET)
    return svg(made, "Share of orders that wait a minute, by orders a second and stock items")


def svg(made: Figure, words: str) -> bytes:
    """Return a figure as SVG, the same bytes whenever it is drawn; `words` say what it shows."""
    written = io.BytesIO()
    steady: Any = {"svg.hashsalt": "workshop", "svg.fonttype": "none", "savefig.bbox": "standard"}
    with rc_context(steady):
        told = {"Date": None, "Creator": None, "Title": words}
        made.savefig(written, format="svg", metadata=told)
    text = written.getvalue().decode("utf-8")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines()).encode("utf-8")


def _ticks(axes: Axes, places: tuple[int, ...]) -> None:
    axes.set_xticks(places, [f"{place:,}" for place in places], family=FAMILY)
    axes.tick_params(axis="x", which="minor", length=0, labelbottom=False)
    axes.grid(axis="x", color=look.BAND)


def _beside(axes: Axes, point: tuple[float, float], text: str, colour: str) -> None:
    note = axes.annotate(text, point, (9, 0), textcoords="offset points", annotation_clip=False)
    note.set(color=colour, size=look.SMALL, family=FAMILY, weight="bold", va="center")


def _items(shards: int) -> str:
    return "stock in one item" if shards == 1 else f"in {shards} items"


def _write(sheet: Axes, x: float, y: float, text: str, **style: object) -> None:
    # No halo: with one, matplotlib draws letters as shapes, and nobody can search or read them out.
    look.write(sheet, x, y, text, halo=False, **({"family": FAMILY} | style))
