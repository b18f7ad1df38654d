"""Where the rows, the tracker's runs and the statuses are."""

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.journeys.axis import Scale
from workshop.journeys.svg.elements import width_of
from workshop.journeys.svg.style import MARGIN, SMALL, SMALLEST, STATUS_LINES, STUB
from workshop.journeys.waterfall import Result, Run, StatusChange


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the picture: one run, or all that the tracker did without an error."""

    label: str
    runs: tuple[int, ...]
    y: float
    """The middle of its bars."""


def end_of(scale: Scale, run: Run) -> float:
    """Return the right edge of a run's bars."""
    end = max([*(scale.x(bar.end) for bar in run.bars), scale.x(run.start) + SMALLEST])
    return end + STUB if run.result is Result.UNFINISHED else end


def levels_of(scale: Scale, runs: Sequence[Run], lane: Sequence[int]) -> dict[int, int]:
    """Return the level of each run in the lane: runs at the same time are one below the other."""
    ends: list[float] = []
    levels = {}
    for number in sorted(lane, key=lambda each: runs[each].arrived):
        start = scale.x(runs[number].arrived)
        free = (level for level, end in enumerate(ends) if end < start)
        level = next(free, len(ends))
        ends[level : level + 1] = [end_of(scale, runs[number])]
        levels[number] = level
    return levels


def placed(
    statuses: Sequence[StatusChange], scale: Scale, width: float
) -> list[tuple[StatusChange, float, int]]:
    """Return each status with its position and its line, so that no two overlap."""
    ends = [-1.0] * STATUS_LINES
    found = []
    for change in statuses:
        wide = width_of(change.status, SMALL)
        x = min(max(scale.x(change.at) - wide / 2, MARGIN), width - MARGIN - wide)
        free = [line for line, end in enumerate(ends) if end < x]
        line = free[0] if free else min(range(STATUS_LINES), key=lambda each: ends[each])
        x = max(x, ends[line] + 1)
        ends[line] = x + wide + 8
        found.append((change, x, line))
    return found
