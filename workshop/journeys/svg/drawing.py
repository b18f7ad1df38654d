"""Draw one waterfall."""

import textwrap
from collections.abc import Iterator, Sequence

from workshop.journeys.axis import Scale, duration
from workshop.journeys.picture import busy, is_quiet, moments
from workshop.journeys.svg.elements import arrow_head, label, rect, shortened, text_of, width_of
from workshop.journeys.svg.layout import Row, end_of, levels_of, placed
from workshop.journeys.svg.style import (
    BAR,
    COLOURS,
    CSS,
    HEADING,
    LANE_BAR,
    LARGE,
    LINE,
    MARGIN,
    NORMAL,
    ROW,
    SMALL,
    SMALLEST,
    STACKED_BELOW,
    STACKED_ROW,
    STUB,
    THIN,
)
from workshop.journeys.waterfall import BAD, Arrow, Bar, Kind, Result, Run, Waterfall
from workshop.journeys.wording import description_of, label_of, note_of, sentence_of
from workshop.stages import flow

_THIN_KINDS = {Kind.QUEUE: "wf-queue", Kind.DELAY: "wf-delay"}


class Drawing:
    """Draws one waterfall."""

    def __init__(self, waterfall: Waterfall, width: float, heading: str) -> None:
        self.waterfall = waterfall
        self.heading = heading
        self.width = max(width, 320.0)
        self.stacked = self.width < STACKED_BELOW
        runs = waterfall.runs
        lane = tuple(number for number, run in enumerate(runs) if is_quiet(run))
        single = [number for number in range(len(runs)) if number not in lane]
        labels = [label_of(runs[number]) for number in single]
        tracker = [flow().tracker.key] if lane else []
        names = max(width_of(label, NORMAL) for label in [*labels, *tracker, ""])
        self.left = MARGIN if self.stacked else MARGIN + names + 14
        self.scale = self._scale(single)
        self.top = MARGIN + HEADING * bool(heading) + LINE * bool(self.scale.folds)
        height = STACKED_ROW if self.stacked else ROW
        middle = height - BAR if self.stacked else height / 2
        self.rows = [
            Row(label, (number,), self.top + height * at + middle)
            for at, (number, label) in enumerate(zip(single, labels, strict=True))
        ]
        self.floor = self.top + height * len(single)
        self.ys = {number: row.y for row in self.rows for number in row.runs}
        if lane:
            self.rows.append(Row(tracker[0], lane, self.floor + middle))
            levels = levels_of(self.scale, runs, lane)
            self.ys |= {
                number: self.floor + middle + LANE_BAR * 1.5 * level
                for number, level in levels.items()
            }
            self.floor += height + LANE_BAR * 1.5 * max(levels.values())
        self.statuses = placed(waterfall.statuses, self.scale, self.width)
        if self.statuses:
            self.floor += LINE * (1 + max(line for _, _, line in self.statuses))
        self.floor += 4

    def _scale(self, single: Sequence[int]) -> Scale:
        """Return the widest scale at which the notes after the bars fit."""
        runs = self.waterfall.runs
        edge = right = self.width - MARGIN - STUB
        while True:
            scale = Scale.over(
                moments(self.waterfall), busy(self.waterfall), left=self.left, right=edge
            )
            ends = [
                end_of(scale, runs[number]) + 8 + width_of(note_of(runs[number]), SMALL)
                for number in single
            ]
            too_wide = max(ends, default=0.0) - (self.width - MARGIN)
            if self.stacked or too_wide <= 1 or edge < self.left + (right - self.left) / 2:
                return scale
            edge -= too_wide

    def element(self, title: str, name: str, *, standalone: bool) -> str:
        """Return the `<svg>` element."""
        body = "".join(self._parts())
        legend, height = self._legend(self.floor + 36)
        classes = f"waterfall {'wf-narrow' if self.stacked else 'wf-wide'}"
        size = f"{self.width:g}"
        style = f"<style>{CSS}</style>" if standalone else ""
        paper = '<rect class="wf-paper" width="100%" height="100%" fill="#ffffff"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{classes}" role="img" '
            f'viewBox="0 0 {size} {height:g}" width="{size}" height="{height:g}" '
            f'font-family="system-ui, sans-serif" font-size="{NORMAL}" '
            f'aria-labelledby="{text_of(name)}-title" aria-describedby="{text_of(name)}-text">'
            f'<title id="{text_of(name)}-title">{text_of(title)}</title>'
            f'<desc id="{text_of(name)}-text">{text_of(description_of(self.waterfall))}</desc>'
            f"{style}{paper if standalone else ''}{body}{legend}</svg>"
        )

    def _parts(self) -> Iterator[str]:
        if self.heading:
            heading = shortened(self.heading, self.width - 2 * MARGIN, LARGE)
            yield label(MARGIN, MARGIN + LARGE, heading, size=LARGE)
        yield from self._folds()
        yield from self._axis()
        for arrow in self.waterfall.arrows:
            yield self._arrow(arrow)
        for row in self.rows:
            yield from self._row(row)
        for change, x, line in self.statuses:
            yield label(x, self._status_y(line), change.status, size=SMALL)

    def _status_y(self, line: int) -> float:
        return max(self.ys.values()) + BAR / 2 + 12 + LINE * line

    def _folds(self) -> Iterator[str]:
        for fold in self.scale.folds:
            start, end = self.scale.x(fold.start), self.scale.x(fold.end)
            yield (
                f"<g><title>{text_of(f'{duration(fold.seconds)}, drawn short')}</title>"
                f'<rect class="wf-fold" x="{start + 3:.1f}" y="{self.top:g}" '
                f'width="{max(end - start - 6, 2):.1f}" height="{self.floor - self.top:g}" '
                f'fill="#dee2e6" fill-opacity="0.5"/></g>'
            )
            middle, text = (start + end) / 2, duration(fold.seconds)
            yield label(middle, self.top - 5, text, size=SMALL, classes="wf-quiet", anchor="middle")

    def _axis(self) -> Iterator[str]:
        for moment, text in self.scale.ticks():
            x = self.scale.x(moment)
            yield (
                f'<line class="wf-grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top:g}" '
                f'y2="{self.floor + 4:g}" stroke="#dee2e6"/>'
            )
            yield label(x, self.floor + 17, text, size=SMALL, classes="wf-quiet", anchor="middle")

    def _arrow(self, arrow: Arrow) -> str:
        runs = self.waterfall.runs
        quiet = is_quiet(runs[arrow.target])
        x, to_x = self.scale.x(arrow.start), self.scale.x(arrow.end)
        y, to_y = self.ys[arrow.source], self.ys[arrow.target]
        dashes = ' stroke-dasharray="1 3"' if quiet else ""
        text = (
            f"{arrow.step}: {runs[arrow.source].function} to {runs[arrow.target].function}, "
            f"{duration(arrow.end - arrow.start)}"
        )
        head = "" if quiet else arrow_head(to_x, to_y)
        return (
            f"<g><title>{text_of(text)}</title>"
            f'<path class="wf-arrow" d="M{x:.1f} {y:g}V{to_y:g}H{to_x:.1f}" fill="none" '
            f'stroke="#5c636a"{dashes}/>{head}</g>'
        )

    def _row(self, row: Row) -> Iterator[str]:
        if self.stacked:
            yield label(MARGIN, row.y - BAR, row.label, classes="wf-halo")
        else:
            yield label(MARGIN, row.y + 4.5, row.label)
        for number in row.runs:
            run = self.waterfall.runs[number]
            drawn = self._run(run, self.ys[number])
            yield f'<g data-run="{number}"><title>{text_of(sentence_of(run))}</title>{drawn}</g>'
            if not is_quiet(run):
                yield self._note(row, run)

    def _run(self, run: Run, y: float) -> str:
        drawn = "".join(self._bar(run, bar, y) for bar in run.bars)
        if run.result in BAD:
            x = self.scale.x(run.start if run.end is None else run.end)
            x = max(x, self.scale.x(run.start) + SMALLEST) - 3.5
            if run.bars and run.bars[-1].start == run.bars[-1].end:
                drawn += (
                    f'<circle class="wf-failed" cx="{x + 2:.1f}" cy="{y:g}" r="6" fill="#c92a2a"/>'
                )
                x += 2
            drawn += (
                f'<path class="wf-cross" d="M{x - 2.5:.1f} {y - 2.5:g}l5 5m0 -5l-5 5" fill="none" '
                f'stroke="#ffffff" stroke-width="1.6"/>'
            )
        return drawn

    def _bar(self, run: Run, bar: Bar, y: float) -> str:
        x, end = self.scale.x(bar.start), self.scale.x(bar.end)
        height = LANE_BAR if is_quiet(run) else BAR
        if bar.kind is Kind.WAIT:
            return (
                f'<line class="wf-wait" x1="{x:.1f}" x2="{end:.1f}" y1="{y:g}" y2="{y:g}" '
                f'stroke="{COLOURS["wf-wait"]}" stroke-width="2" stroke-dasharray="4 3"/>'
            )
        if bar.kind in _THIN_KINDS:
            return rect(_THIN_KINDS[bar.kind], x, y, max(end - x, 1.0), height * THIN)
        if bar.kind is Kind.COLD_START:
            return rect("wf-cold", x, y, max(end - x, 1.5), height)
        if run.result is Result.UNFINISHED:
            return rect("wf-run wf-hollow", x, y, STUB, BAR, dashed=True)
        classes = "wf-failed" if run.result in BAD else "wf-run"
        classes += " wf-hollow" if is_hollow(run) else ""
        return rect(classes, x, y, max(end - x, SMALLEST), height)

    def _note(self, row: Row, run: Run) -> str:
        text = note_of(run)
        bad = "wf-bad " if run.result in BAD or run.kept else "wf-quiet "
        if self.stacked:
            left = MARGIN + width_of(row.label, NORMAL) + 12
            shown = shortened(text, self.width - MARGIN - left)
            return label(
                self.width - MARGIN,
                row.y - BAR,
                shown,
                size=SMALL,
                classes=f"{bad}wf-halo",
                anchor="end",
            )
        end = end_of(self.scale, run)
        start = self.scale.x(run.arrived)
        after, before = self.width - MARGIN - end - 8, start - 10 - self.left
        wanted = width_of(text, SMALL)
        if wanted <= after + 1 or after >= before:
            shown, x, anchor = shortened(text, after + 1), end + 8, "start"
        else:
            shown, x, anchor = shortened(text, before), start - 10, "end"
        return label(x, row.y + 4, shown, size=SMALL, classes=f"{bad}wf-halo", anchor=anchor)

    def _legend(self, y: float) -> tuple[str, float]:
        """Return the legend of the signs in this picture, and the picture's height."""
        runs = self.waterfall.runs
        kinds = {bar.kind for run in runs for bar in run.bars if bar.start < bar.end}
        unit = "axis: seconds" if self.scale.in_seconds else "axis: milliseconds"
        signs = [
            ("wf-run", "ran", any(run.result not in BAD for run in runs)),
            ("wf-failed", "failed", any(run.result in BAD for run in runs)),
            ("wf-run wf-hollow", "changed nothing", any(is_hollow(run) for run in runs)),
            ("wf-cold", "cold start", Kind.COLD_START in kinds),
            ("wf-queue", "queued", Kind.QUEUE in kinds),
            ("wf-wait", "waits for a retry", Kind.WAIT in kinds),
            ("wf-delay", "injected delay", Kind.DELAY in kinds),
            ("wf-fold", "pause, drawn short", bool(self.scale.folds)),
        ]
        x, drawn = MARGIN, []
        for classes, text, occurs in [*signs, ("", unit, True)]:
            if not occurs:
                continue
            needed = (20 if classes else 0) + width_of(text, SMALL)
            if x + needed > self.width - MARGIN and x > MARGIN:
                x, y = MARGIN, y + 18
            if classes:
                drawn.append(rect(classes, x, y - 4, 14, 4 if classes == "wf-wait" else 10))
                x += 20
            drawn.append(label(x, y, text, size=SMALL, classes="wf-quiet"))
            x += width_of(text, SMALL) + 16
        for note in self.waterfall.notes:
            columns = int((self.width - 2 * MARGIN) / (0.62 * SMALL))
            for line in textwrap.wrap(note, columns):
                y += 18
                drawn.append(label(MARGIN, y, line, size=SMALL, classes="wf-quiet"))
        return "".join(drawn), y + MARGIN


def is_hollow(run: Run) -> bool:
    """Return whether a run succeeded and changed nothing: its step had been done before."""
    changed = run.status if run.is_tracker else not (run.again or run.duplicate)
    return run.result is Result.DELIVERED and not changed
