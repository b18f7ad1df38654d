"""The bench as an SVG: ours, the bare functions and the conventional flow, bar beside bar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from devtools import charts
from devtools.bench.figures import Figure, shown
from devtools.bench.record import Record
from devtools.charts import MARGIN

PANEL_WIDTH, GUTTER = 384, 54
LABELS = 130
"""The part of a panel for the rows' names."""
VALUES = 62
"""The part of a panel for the values, right of the bars."""
BAR, ROW_GAP, HEAD, PANEL_HEAD, PANEL_GAP = 11, 9, 66, 26, 22

SIDES = {
    "ours": "this design",
    "bare": "the bare functions",
    "conventional": "the conventional way",
}
"""Class of a bar → its name in the legend."""

_LIGHT = """
.value { font-size: 10px; fill: #5c636a; }
.ours { fill: #1971c2; } .bare { fill: #adb5bd; } .conventional { fill: #e8890c; }
""".strip()
_DARK = """
.value { fill: #adb5bd; }
.ours { fill: #4dabf7; } .bare { fill: #6c757d; } .conventional { fill: #ffa94d; }
""".strip()


@dataclass(frozen=True)
class _Row:
    label: str
    figure: Figure

    def bars(self) -> Iterator[tuple[str, float]]:
        """Yield each side's class and value."""
        values = (self.figure.measured, self.figure.floor, self.figure.conventional)
        for side, value in zip(SIDES, values, strict=True):
            if value is not None:
                yield side, value

    @property
    def height(self) -> int:
        return BAR * len(list(self.bars())) + ROW_GAP


@dataclass(frozen=True)
class _Panel:
    title: str
    rows: Sequence[_Row]

    @property
    def height(self) -> int:
        return PANEL_HEAD + sum(row.height for row in self.rows)


def svg(record: Record) -> str:
    """Draw the figures that have something beside them; the values are written at the bars."""
    columns = _columns(record)
    tallest = max(sum(each.height + PANEL_GAP for each in column) for column in columns)
    height = HEAD + tallest + 8
    title = "This design, the bare functions, and the same flow written the conventional way"
    words = f"{title}. {'; '.join(each.title for column in columns for each in column)}"
    body = list(_legend())
    for at, column in enumerate(columns):
        left, top = MARGIN + at * (PANEL_WIDTH + GUTTER), HEAD
        for panel in column:
            body += _drawn(panel, left, top)
            top += panel.height + PANEL_GAP
    return charts.document(title, body, height=height, words=words, light=_LIGHT, dark=_DARK)


def _columns(record: Record) -> list[list[_Panel]]:
    groups = record.groups
    firsts = [each for each in groups.get("alone", []) if each.what.startswith("cold start")]
    counted = [each for each in groups.get("requests", []) if each.conventional is not None]
    flow = groups.get("flow", [])
    times = [each for each in flow if each.what.startswith("one order")]
    rates = [each for each in flow if each.what.startswith("burst")]
    requests = [each for each in counted if each.what.startswith("AWS requests")]
    faults = [each for each in groups.get("faults", []) if each.budget == "0"]
    left = [
        _Panel("Cold start with the first event, ms", [_Row(_module(e), e) for e in firsts]),
        _Panel("One order through four services, ms", [_Row(_last(e), e) for e in times]),
        _Panel("Burst, orders a second", [_Row("300 orders", each) for each in rates]),
    ]
    right = [
        _Panel("AWS requests of a shipped order", [_Row(_last(e), e) for e in requests]),
        _Panel("Dollars per million orders", [_Row("all services", e) for e in counted[-1:]]),
        _Panel("500 orders under the same faults", [_Row(_loss(each), each) for each in faults]),
    ]
    return [[each for each in column if each.rows] for column in (left, right)]


def _module(figure: Figure) -> str:
    """Return `payment` for `cold start of payment_service.handler with its first event`."""
    module = next(word for word in figure.what.split() if "_service." in word)
    return module.removesuffix(".handler").replace("_service", "")


def _last(figure: Figure) -> str:
    return figure.what.rpartition(" ")[2]


LOSSES = {
    "never end": "lost",
    "wait in": "stuck",
    "charged twice": "charged twice",
    "units twice": "reserved twice",
    "shipped twice": "shipped twice",
    "status": "wrong status",
    "not in stock": "units oversold",
    "missing": "units missing",
}


def _loss(figure: Figure) -> str:
    return next(name for words, name in LOSSES.items() if words in figure.what)


def _legend() -> Iterator[str]:
    left = float(MARGIN)
    for side, name in SIDES.items():
        yield f'<rect class="{side}" x="{left:g}" y="38" width="12" height="12"/>'
        yield f'<text class="quiet" x="{left + 18:g}" y="48">{escape(name)}</text>'
        left += 44 + 6.6 * len(name)


def _drawn(panel: _Panel, left: int, top: int) -> Iterator[str]:
    yield f'<text class="name" x="{left}" y="{top + 12}">{escape(panel.title)}</text>'
    most = max(value for row in panel.rows for _, value in row.bars()) or 1.0
    room = PANEL_WIDTH - LABELS - VALUES
    y = top + PANEL_HEAD
    for row in panel.rows:
        bars = list(row.bars())
        middle = y + BAR * len(bars) / 2 + 4
        label = escape(row.label)
        yield f'<text x="{left + LABELS - 8}" y="{middle:g}" text-anchor="end">{label}</text>'
        for side, value in bars:
            long = round(max(room * value / most, 1.0), 1)
            x = left + LABELS
            yield f'<rect class="{side}" x="{x}" y="{y}" width="{long}" height="{BAR - 1}"/>'
            text = escape(shown(value, "").strip())
            yield f'<text class="value" x="{x + long + 4:g}" y="{y + BAR - 2}">{text}</text>'
            y += BAR
        y += ROW_GAP
