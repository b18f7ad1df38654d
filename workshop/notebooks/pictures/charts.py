"""Charts of many orders: the stock over time, and the latency of each hop."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from workshop.errors import WorkshopError
from workshop.journeys.axis import duration
from workshop.notebooks.pictures import style
from workshop.notebooks.pictures.charts_layout import Spread, axis_end, spread_of
from workshop.notebooks.pictures.picture import Picture

STOCK = "#3b5bdb"
RESERVED = "#a85400"
HOP = "#087f5b"
JOURNEY = "#3b5bdb"
MARGIN = 20.0
ROW = 46.0
BOX = 20.0


def stock_chart(
    samples: Sequence[tuple[float, int]], reservations: Sequence[float] = (), *, sku: str
) -> Picture:
    """Draw how many units were on hand while orders raced for them.

    Args:
        samples: Seconds and units on hand, in the order of time.
        reservations: The seconds at which reservations were made.
        sku: The SKU of the units.

    Raises:
        WorkshopError: There are no samples.
    """
    if not samples:
        raise WorkshopError(f"There are no samples of the stock of {sku}. Take samples first.")
    seconds, units = zip(*samples, strict=True)
    lowest = min(units)
    made = style.figure(340)
    axes = style.chart(made, left=64, right=150, top=52, bottom=64)
    end = max([*seconds, *reservations])
    start = min([*seconds, *reservations])
    top = max(*units, 1)
    axes.set_xlim(start, max(end, start + 0.001))
    axes.set_ylim(min(lowest, 0) - top * 0.18, top * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.grid(axis="y", color=style.BAND)
    axes.tick_params(axis="y", length=0)
    axes.fill_between(seconds, units, step="post", color=style.light(STOCK, 0.14), lw=0)
    axes.step(seconds, units, where="post", color=STOCK, lw=2)
    _zero_line(axes, lowest)
    _lowest(axes, seconds[units.index(lowest)], lowest)
    axes.vlines(reservations, -top * 0.11, -top * 0.03, color=RESERVED, lw=1.4)
    sheet = style.sheet(made)
    style.write(
        sheet, MARGIN, 22, f"Units of {sku} on hand", size=style.LARGE, weight="bold", halo=False
    )
    style.write(sheet, MARGIN, 289, "seconds", color=style.QUIET)
    if reservations:
        text = f"each tick: a reservation ({len(reservations)} in all)"
        style.write(sheet, 64, 318, text, color=RESERVED)
    return Picture.of(made, _stock_words(sku, units[0], lowest))


def latency_chart(latencies: Mapping[str, Sequence[float]]) -> Picture:
    """Draw how long each hop took, over many orders.

    Args:
        latencies: Hop (`order-api → payment`) → milliseconds, one for each order, in the order of
            the rows; the whole journey last.

    Raises:
        WorkshopError: There are no hops, or a hop has no latencies.
    """
    if not latencies or not all(latencies.values()):
        raise WorkshopError(
            "There is nothing to draw: no order has been measured. Place orders first."
        )
    rows = {label: spread_of(values) for label, values in latencies.items()}
    end = axis_end(rows.values())
    made = style.figure(58 + ROW * len(rows) + 60)
    left = MARGIN + max(style.text_width(label, style.NORMAL) for label in rows) + 20
    axes = style.chart(made, left=left, right=184, top=50, bottom=60)
    axes.set_xlim(0, end)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks([])
    axes.grid(axis="x", color=style.BAND)
    sheet = style.sheet(made)
    _latency_frame(sheet, left, 58 + ROW * len(rows))
    for at, (label, spread) in enumerate(rows.items()):
        colour = JOURNEY if at == len(rows) - 1 else HOP
        _strip(axes, at, spread, end, colour)
        y = sheet.transData.inverted().transform(axes.transData.transform((0, at)))[1]
        style.write(sheet, MARGIN, y, label, size=style.NORMAL, color=colour)
        for x, value in ((style.WIDTH - 100, spread.p50), (style.WIDTH - MARGIN, spread.p90)):
            text = duration(value / 1000)
            style.write(sheet, x, y, text, size=style.NORMAL, ha="right", weight="bold")
    return Picture.of(made, f"how long each hop takes, with p50 and p90: {', '.join(rows)}")


def _zero_line(axes: Axes, lowest: int) -> None:
    colour = style.FAILED if lowest < 0 else style.INK
    axes.axhline(0, color=colour, lw=1.8)
    end = axes.get_xlim()[1]
    _note(axes, (end, 0), _verdict(lowest), colour, offset=(8, 0))


def _lowest(axes: Axes, at: float, lowest: int) -> None:
    axes.plot([at], [lowest], "o", color=STOCK, markersize=8, markeredgecolor=style.PAPER, zorder=6)
    # The free space is above the line, or below it when the value is below zero.
    _note(axes, (at, lowest), f"lowest: {lowest}", STOCK, offset=(2, -14 if lowest < 0 else 26))


def _note(
    axes: Axes, point: tuple[float, float], text: str, colour: str, *, offset: tuple[float, float]
) -> None:
    """Write beside a point of the chart; the offset is in CSS pixels, to the right and up."""
    note = axes.annotate(text, point, offset, textcoords="offset points", annotation_clip=False)
    note.set(
        color=colour, size=style.NORMAL, family=style.FONT, weight="bold", va="center", zorder=6
    )


def _verdict(lowest: int) -> str:
    return "below zero" if lowest < 0 else "never below zero"


def _stock_words(sku: str, first: int, lowest: int) -> str:
    values = f"from {first} to {lowest}, {_verdict(lowest)}"
    return f"units of {sku} on hand while orders race for them: {values}"


def _latency_frame(sheet: Axes, left: float, floor: float) -> None:
    """Write the title, the column heads and the legend."""
    style.write(sheet, MARGIN, 22, "How long each hop takes", size=style.LARGE, weight="bold")
    for x, text in ((style.WIDTH - 100, "p50"), (style.WIDTH - MARGIN, "p90")):
        style.write(sheet, x, 42, text, color=style.QUIET, ha="right")
    legend = "milliseconds · a dot: one order · box: the middle half · line: p50 · whisker: to p90"
    style.write(sheet, left, floor + 42, legend, color=style.QUIET)


def _strip(axes: Axes, row: int, spread: Spread, end: float, colour: str) -> None:
    """Draw a row: the box of the middle half, p50, a whisker to p90, and all orders as dots."""
    half = BOX / ROW / 2
    box = (spread.p25, row - half)
    axes.add_patch(
        Rectangle(
            box,
            spread.p75 - spread.p25,
            2 * half,
            facecolor=style.light(colour),
            edgecolor=colour,
            lw=1,
            zorder=2,
        )
    )
    axes.hlines(row, spread.p75, min(spread.p90, end), color=colour, lw=1.2, zorder=2)
    axes.vlines(spread.p90, row - half / 2, row + half / 2, color=colour, lw=1.2, zorder=2)
    axes.vlines(spread.p50, row - half, row + half, color=colour, lw=3, zorder=4)
    shown = [(x, row + y * half * 1.5) for x, y in spread.dots if x <= end]
    axes.plot(
        [x for x, _ in shown],
        [y for _, y in shown],
        "o",
        markersize=4,
        color=colour,
        alpha=0.55,
        markeredgewidth=0,
        zorder=3,
    )
    beyond = [x for x, _ in spread.dots if x > end]
    if beyond:
        text = f"{len(beyond)} more, up to {duration(max(beyond) / 1000)} ▸"
        style.write(axes, end, row, text, color=style.FAILED, ha="right")
