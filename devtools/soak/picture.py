"""The soak as an SVG: memory, queues, open orders and latencies over time."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from devtools import charts
from devtools.charts import MARGIN
from devtools.soak.sampling import Sample

PANEL_WIDTH, PANEL_HEIGHT = 384, 130
GUTTER, HEAD = 54, 62
PITCH = PANEL_HEIGHT + 74
LOWEST = 0.1
"""Where a logarithmic axis begins."""

POINTS = 300
"""The most points of a line: more cannot be seen."""

_LIGHT = """
.after { fill: #f1f3f5; }
.line.first { stroke: #1971c2; } .line.second { stroke: #c76a00; }
tspan.first { fill: #1971c2; } tspan.second { fill: #a85400; }
""".strip()
_DARK = """
.after { fill: #22262b; }
.line.first { stroke: #4dabf7; } .line.second { stroke: #ffa94d; }
tspan.first { fill: #4dabf7; } tspan.second { fill: #ffa94d; }
""".strip()


@dataclass(frozen=True)
class _Line:
    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class _Panel:
    title: str
    unit: str
    lines: tuple[_Line, _Line]
    decades: bool = False
    """Whether the axis is logarithmic, from `LOWEST` on."""

    def scale(self) -> tuple[list[float], Callable[[float], float]]:
        """Return the values of the grid lines, and what makes a value a share of the height."""
        most = max((y for line in self.lines for _, y in line.points), default=0.0)
        if self.decades:
            count = max(math.ceil(math.log10(max(most, LOWEST) / LOWEST)), 1)
            lines = [LOWEST * 10**number for number in range(count + 1)]
            return lines, lambda value: math.log10(max(value, LOWEST) / LOWEST) / count
        step = _step(most)
        count = max(math.ceil(most / step), 1)
        return [step * number for number in range(count + 1)], lambda value: value / step / count


def svg(samples: Sequence[Sample], load_seconds: float, title: str) -> str:
    """Draw the samples of a soak.

    Args:
        samples: In the order of time.
        load_seconds: When the last order was placed and faults ended.
        title: The line above the picture.
    """
    panels = _panels(samples, load_seconds)
    end = samples[-1].seconds
    height = HEAD + PITCH * (len(panels) // 2)
    words = f"{title}: {'; '.join(each.title for each in panels)}"
    body: list[str] = []
    for at, panel in enumerate(panels):
        left = MARGIN + at % 2 * (PANEL_WIDTH + GUTTER)
        body += _drawn(panel, left, HEAD + at // 2 * PITCH, end, load_seconds)
    caption = (
        "minutes · peaks: the reconciler's schedule re-publishes orders of 15 minutes and more · "
        "grey: no more orders, no more faults"
    )
    body.append(f'<text class="quiet" x="{MARGIN}" y="{height - 14}">{caption}</text>')
    return charts.document(title, body, height=height, words=words, light=_LIGHT, dark=_DARK)


def _panels(samples: Sequence[Sample], load_seconds: float) -> list[_Panel]:
    # An order that ends in the recovery has waited for it: its latency says nothing.
    loaded = [each for each in samples if each.seconds <= load_seconds]

    def line(name: str, field: str, of: Sequence[Sample] = samples) -> _Line:
        found = [(each.seconds, getattr(each, field)) for each in of]
        return _Line(name, _thinned([(x, float(y)) for x, y in found if y is not None]))

    return [
        _Panel("Memory", "MB", (line("server", "server"), line("functions", "functions"))),
        _Panel("Orders", "", (line("placed", "placed"), line("open", "open"))),
        _Panel("Deliveries", "", (line("in the queue", "queued"), line("not due yet", "later"))),
        _Panel("Dead letters", "", (line("in the queues", "dead"), _Line("", []))),
        _Panel(
            "From first to last event of an order",
            "s",
            (_seconds(line("p50", "p50", loaded)), _seconds(line("p99", "p99", loaded))),
            decades=True,
        ),
        _Panel("Processes of functions", "", (line("processes", "processes"), _Line("", []))),
    ]


def _seconds(line: _Line) -> _Line:
    return _Line(line.name, [(x, y / 1000) for x, y in line.points])


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the highest point of each interval, so that no peak is left out."""
    size = max(-(-len(points) // POINTS), 1)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [max(group, key=lambda point: point[1]) for group in groups]


def _drawn(panel: _Panel, left: float, top: float, end: float, load: float) -> Iterator[str]:
    grid, share = panel.scale()
    floor = top + PANEL_HEIGHT

    def x(seconds: float) -> float:
        return round(left + PANEL_WIDTH * seconds / max(end, 1.0), 1)

    def y(value: float) -> float:
        return round(floor - PANEL_HEIGHT * share(value), 1)

    unit = f" ({panel.unit})" if panel.unit else ""
    yield f'<text class="name" x="{left}" y="{top - 12}">{escape(panel.title + unit)}</text>'
    yield (
        f'<rect class="after" x="{x(load)}" y="{top}" width="{round(x(end) - x(load), 1)}" '
        f'height="{PANEL_HEIGHT}"/>'
    )
    for value in grid:
        yield f'<path class="grid" d="M{left} {y(value)}h{PANEL_WIDTH}"/>'
        yield (
            f'<text class="quiet" x="{left - 6}" y="{y(value) + 4}" '
            f'text-anchor="end">{value:,g}</text>'
        )
    minute = _step(end / 120)
    count = 0
    while count * minute * 60 <= end:
        yield (
            f'<text class="quiet" x="{x(count * minute * 60)}" y="{floor + 16}" '
            f'text-anchor="middle">{count * minute:g}</text>'
        )
        count += 1
    names = []
    for line, colour in zip(panel.lines, ("first", "second"), strict=True):
        if line.points:
            path = " ".join(f"{x(at)},{y(value)}" for at, value in line.points)
            yield f'<polyline class="line {colour}" points="{path}"/>'
            names.append(f'<tspan class="{colour}">{escape(line.name)}</tspan>')
    legend = '<tspan class="quiet"> · </tspan>'.join(names)
    yield f'<text x="{left + PANEL_WIDTH}" y="{top - 12}" text-anchor="end">{legend}</text>'


def _step(most: float) -> float:
    """Return a round distance between grid lines: three or four of them, or a few more."""
    step = 10.0 ** len(str(int(max(most, 1.0)))) / 1000
    while most / step > 4:
        step *= 2.5 if str(step).strip("0.").startswith("2") else 2
    return step
