"""An order's journey as a picture: a lane per function, and the events between them."""

from collections.abc import Sequence

from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from workshop.notebooks.pictures import style
from workshop.notebooks.pictures.picture import Picture
from workshop.notebooks.pictures.timeline_layout import (
    MARKER,
    Fold,
    Kind,
    Layout,
    Line,
    duration,
    lay_out,
)
from workshop.notebooks.pictures.timeline_model import TRACKER, Way, Work, story_of
from workshop.orders.journey import Hop

MARGIN = 20.0
LANE = 58.0
BAR = 20.0
CORNER = 7.0
TITLE = 40.0
FOLD_TEXT = 30.0
FOOT = 62.0

LINES = {
    Line.MIDDLE: 0.0,
    Line.OVER_ARROW: -9.0,
    Line.ABOVE: -18.0,
    Line.BELOW: 18.0,
    Line.SECOND: 31.0,
}
"""Line → CSS pixels below the lane's middle."""
INKS = {
    Kind.EVENT: style.INK,
    Kind.FAILURE: style.FAILED,
    Kind.STATUS: style.INK,
    Kind.TIME: style.QUIET,
}


def time_line(hops: Sequence[Hop], title: str = "") -> Picture:
    """Draw an order's journey.

    Args:
        hops: What the functions said about it (`workshop.orders.journey.hops`).
        title: A line above the picture.

    Raises:
        WorkshopError: No function has said anything yet.
    """
    story = story_of(hops)
    names = max(style.text_width(name, style.NORMAL, bold=True) for name in story.functions)
    layout = lay_out(
        story, left=MARGIN + names + 18, right=style.WIDTH - MARGIN, measure=style.text_width
    )
    return Picture.of(_Drawing(layout, title).figure, story.words)


class _Drawing:
    """One time line while it is drawn."""

    def __init__(self, layout: Layout, title: str) -> None:
        self.layout = layout
        self.story = layout.story
        self.x = layout.scale.x
        self.top = 6 + TITLE * bool(title) + FOLD_TEXT * bool(layout.scale.folds)
        second = any(label.line is Line.SECOND for label in layout.labels)
        self.floor = self.top + LANE * len(self.story.functions) + 12 * second
        self.figure = style.figure(self.floor + FOOT)
        self.axes = style.sheet(self.figure)
        style.write(self.axes, MARGIN, 22, title, size=style.LARGE, weight="bold")
        self._lanes()
        self._folds()
        self._axis()
        for way in self.story.ways:
            self._way(way)
        for work in self.story.works:
            self._work(work)
        for seen in self.story.tracked:
            self._dot(self.x(seen.at), TRACKER, hollow=not seen.status)
        for label in layout.labels:
            y = self._y(label.function) + LINES[label.line]
            style.write(self.axes, label.x, y, label.text, color=INKS[label.kind])
        self._legend()

    def _y(self, function: str) -> float:
        return self.top + LANE * (self.story.functions.index(function) + 0.5)

    def _lanes(self) -> None:
        start, end = self.layout.scale.left - 10, style.WIDTH - MARGIN / 2
        for name in self.story.functions:
            y, colour = self._y(name), style.colour_of(name)
            self.axes.plot([start, end], [y, y], color=style.BAND, lw=1.5)
            style.write(self.axes, MARGIN, y, name, size=style.NORMAL, color=colour, weight="bold")

    def _folds(self) -> None:
        for fold in self.layout.scale.folds:
            start, end = self.x(fold.start) + 5, self.x(fold.end) - 5
            height = self.floor - self.top
            band = Rectangle(
                (start, self.top), end - start, height, facecolor=style.BAND, zorder=0.5
            )
            self.axes.add_patch(band)
            self.axes.vlines(
                [start, end],
                self.top,
                self.floor,
                color=style.LINE,
                lw=1,
                ls=(0, (3, 3)),
                zorder=0.6,
            )
            for above, text in ((22, self._pause(fold)), (9, duration(fold.seconds))):
                x, y = (start + end) / 2, self.top - above
                style.write(self.axes, x, y, text, color=style.QUIET, ha="center")

    def _pause(self, fold: Fold) -> str:
        """Say what goes on in a pause: a function works, or all wait."""
        busy = any(
            work.end is not None and work.start < fold.end and fold.start < work.end
            for work in self.story.works
        )
        return "works" if busy else "waits"

    def _axis(self) -> None:
        for start, end in self.layout.scale.stretches():
            self.axes.hlines(self.floor, self.x(start), self.x(end), color=style.QUIET, lw=1)
        for moment, text in self.layout.scale.ticks():
            x = self.x(moment)
            self.axes.vlines(x, self.floor, self.floor + 4, color=style.QUIET, lw=1)
            style.write(self.axes, x, self.floor + 13, text, color=style.QUIET, ha="center")
        unit = "seconds" if self.layout.scale.in_seconds else "milliseconds"
        style.write(self.axes, MARGIN, self.floor + 13, unit, color=style.QUIET)

    def _way(self, way: Way) -> None:
        start, end = self.x(way.start), self.x(way.end)
        from_y, y = self._y(way.source), self._y(way.target)
        tracked = way.target == TRACKER
        colour = style.FAILED if way.is_retry else style.colour_of(way.source)
        dashes = (0, (4, 3)) if way.is_retry else (0, (1, 2)) if tracked else "-"
        self.axes.add_patch(
            PathPatch(
                _elbow(start, from_y, end - 2, y),
                fill=False,
                edgecolor=colour,
                lw=1.2,
                linestyle=dashes,
                alpha=0.6 if tracked else 1,
                zorder=2,
            )
        )
        if not tracked:
            self.axes.fill(
                [end, end - 7, end - 7], [y, y - 3.5, y + 3.5], color=colour, lw=0, zorder=3
            )

    def _work(self, work: Work) -> None:
        start, end = self.layout.box(work)
        if work.received:
            self._bar(work, start, end)
        elif not work.error:
            self._dot((start + end) / 2, work.function, hollow=work.again)
        if work.error:
            self._cross(end, self._y(work.function))

    def _bar(self, work: Work, start: float, end: float) -> None:
        y, colour = self._y(work.function), style.colour_of(work.function)
        hollow = work.again or work.end is None
        self.axes.add_patch(
            FancyBboxPatch(
                (start, y - BAR / 2),
                end - start,
                BAR,
                boxstyle=f"round,pad=0,rounding_size={min(3.0, (end - start) / 2)}",
                facecolor=style.PAPER if hollow else colour,
                edgecolor=colour,
                linestyle=(0, (2, 2)) if work.end is None else "-",
                lw=1.2,
                zorder=3,
            )
        )
        text = "" if work.end is None else duration(work.end - work.start)
        room = end - start - 8 * bool(work.error)
        if style.text_width(text) + 6 <= room:
            ink = colour if hollow else style.PAPER
            style.write(self.axes, start + room / 2, y, text, color=ink, ha="center", halo=False)

    def _dot(self, x: float, function: str, *, hollow: bool) -> None:
        colour = style.colour_of(function)
        self.axes.plot(
            [x],
            [self._y(function)],
            "o",
            markersize=2 * MARKER - 1,
            color=colour,
            markerfacecolor=style.PAPER if hollow else colour,
            markeredgewidth=1.4,
            zorder=4 if hollow else 4.1,
        )

    def _cross(self, x: float, y: float) -> None:
        for width, colour in ((5.5, style.PAPER), (2.8, style.FAILED)):
            self.axes.plot(
                [x], [y], "x", markersize=9, markeredgewidth=width, color=colour, zorder=4.5
            )

    def _legend(self) -> None:
        """Explain the signs that occur, in one line."""
        works, tracked = self.story.works, self.story.tracked
        grey = style.colour_of(TRACKER)
        x, y = self.layout.scale.left, self.floor + 42
        for sign, colour, text, occurs in (
            ("●", grey, "new status", any(seen.status for seen in tracked)),
            ("○", grey, "seen, no change", any(not seen.status for seen in tracked)),
            ("×", style.FAILED, "failed", any(work.error for work in works)),
            ("- -", style.FAILED, "tried again", any(way.is_retry for way in self.story.ways)),
            ("□", grey, "done before, published again", any(work.again for work in works)),
            ("⬚", grey, "said no more", any(work.end is None for work in works)),
            ("▒", style.QUIET, "nothing logged, drawn short", bool(self.layout.scale.folds)),
        ):
            if occurs:
                style.write(self.axes, x, y, sign, size=style.NORMAL, color=colour, halo=False)
                x += style.text_width(sign, style.NORMAL) + 5
                style.write(self.axes, x, y, text, color=style.QUIET, halo=False)
                x += style.text_width(text) + 18


def _elbow(x: float, y: float, to_x: float, to_y: float) -> Path:
    """Return a line down (or up), then right, with a round corner."""
    corner = min(CORNER, max(to_x - x, 0.0), abs(to_y - y))
    turn = corner if to_y > y else -corner
    points = [(x, y), (x, to_y - turn), (x, to_y), (x + corner, to_y), (to_x, to_y)]
    return Path(points, [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO])
