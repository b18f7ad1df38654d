"""A waterfall in block characters for the terminal: a line for each run."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from workshop.journeys.axis import Scale, duration
from workshop.journeys.picture import busy, is_quiet, moments
from workshop.journeys.waterfall import BAD, Kind, Result, Run, Waterfall
from workshop.journeys.wording import label_of, note_of

COLUMNS = 80
FOLD_COLUMNS = 3.0
LEAST_COLUMNS = 18
"""The least columns of the bars."""
MOST_NOTE = 38
INDENT = "  "

SIGNS = {
    Kind.RUN: "█",
    Kind.COLD_START: "▓",
    Kind.QUEUE: "░",
    Kind.WAIT: "┄",
    Kind.DELAY: "╌",
}
"""Kind of bar → the character of a column of it, in the order in which they cover each other."""
NAMES = {
    Kind.RUN: "ran",
    Kind.COLD_START: "cold start",
    Kind.QUEUE: "queued",
    Kind.WAIT: "waits for a retry",
    Kind.DELAY: "injected delay",
}
STYLES = {
    Kind.RUN: "blue",
    Kind.COLD_START: "yellow",
    Kind.QUEUE: "dim",
    Kind.WAIT: "dim",
    Kind.DELAY: "magenta",
}
FOLD = "╎"


def lines_of(waterfall: Waterfall, columns: int = COLUMNS) -> list[Text]:
    """Return a waterfall as lines: one for each run, one for the tracker, and the axis.

    Args:
        waterfall: What to show.
        columns: The most columns of a line.
    """
    return list(_Lines(waterfall, columns).lines())


class _Lines:
    """Formats one waterfall."""

    def __init__(self, waterfall: Waterfall, columns: int) -> None:
        self.waterfall = waterfall
        self.columns = columns
        runs = waterfall.runs
        self.quiet = [run for run in runs if is_quiet(run)]
        self.rows = [(label_of(run), _note(run), [run]) for run in runs if not is_quiet(run)]
        if self.quiet:
            last = waterfall.statuses[-1].status if waterfall.statuses else ""
            self.rows.append((self.quiet[0].function, last, self.quiet))
        self.names = max(len(label) for label, _, _ in self.rows)
        notes = min(max(len(note) for _, note, _ in self.rows), MOST_NOTE)
        left = columns - len(INDENT) - self.names - 4
        self.bars = max(left - notes, LEAST_COLUMNS)
        self.notes = max(left - self.bars, 0)
        self.scale = Scale.over(
            moments(waterfall), busy(waterfall), left=0, right=self.bars, fold_width=FOLD_COLUMNS
        )

    def lines(self) -> Iterator[Text]:
        """Yield all lines."""
        for label, note, runs in self.rows:
            line = Text(f"{INDENT}{label:<{self.names}}  ")
            for sign, style in self._cells(runs):
                line.append(sign, style=style)
            bad = any(run.result in BAD or run.kept for run in runs)
            line.append(f"  {_cut(note, self.notes)}", style="red" if bad else "")
            line.rstrip()
            yield line
        yield self._axis()
        yield self._legend()
        for note in self.waterfall.notes:
            for part in textwrap.wrap(note, self.columns - len(INDENT)):
                yield Text(f"{INDENT}{part}", style="dim")

    def _cells(self, runs: Sequence[Run]) -> list[tuple[str, str]]:
        """Return the character and the style of each column."""
        cells = [(" ", "")] * self.bars
        for fold in self.scale.folds:
            for column in self._columns(fold.start, fold.end):
                cells[column] = (FOLD, "dim")
        for kind in reversed(SIGNS):
            for run in runs:
                for bar in run.bars:
                    if bar.kind is kind and (bar.start < bar.end or kind is Kind.RUN):
                        style = "red" if kind is Kind.RUN and run.result in BAD else STYLES[kind]
                        sign = "✗" if _never_ran(run) and kind is Kind.RUN else SIGNS[kind]
                        for column in self._columns(bar.start, bar.end):
                            cells[column] = (sign, style)
        return cells

    def _columns(self, start: float, end: float) -> range:
        """Return the columns of a time; at least one."""
        first = min(int(self.scale.x(start)), self.bars - 1)
        return range(first, min(max(round(self.scale.x(end)), first + 1), self.bars))

    def _axis(self) -> Text:
        end = duration(self.waterfall.end)
        return Text(f"{INDENT}{'':<{self.names}}  0{end:>{self.bars - 1}}", style="dim")

    def _legend(self) -> Text:
        runs = self.waterfall.runs
        kinds = {bar.kind for run in runs for bar in run.bars if bar.start < bar.end}
        signs = [f"{SIGNS[kind]} {NAMES[kind]}" for kind in SIGNS if kind in kinds]
        signs += ["✗ did not run"] if any(_never_ran(run) for run in runs) else []
        signs += [f"{FOLD} pause, drawn short"] if self.scale.folds else []
        return Text(INDENT + "  ".join(signs), style="dim")


def _never_ran(run: Run) -> bool:
    return run.result in {Result.REFUSED, Result.DROPPED, Result.DEAD_LETTERED, Result.THROTTLED}


def _note(run: Run) -> str:
    """Return a run's note; without its duration if it would be too long."""
    note = note_of(run)
    return note if len(note) <= MOST_NOTE else note_of(run, timed=False)


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: max(columns - 1, 0)]}…"
