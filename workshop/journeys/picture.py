"""What the pictures of a waterfall have in common."""

from workshop.journeys.waterfall import Kind, Result, Run, Waterfall


def is_quiet(run: Run) -> bool:
    """Return whether a run only followed the order's status, at its first attempt.

    These runs share a lane.
    """
    return run.is_tracker and run.result is Result.DELIVERED and run.attempt <= 1


def moments(waterfall: Waterfall) -> list[float]:
    """Return when something started or ended, ascending; the first is 0."""
    bars = [bar for run in waterfall.runs for bar in run.bars]
    found = {0.0, waterfall.end, *(bar.start for bar in bars), *(bar.end for bar in bars)}
    return sorted(found)


def busy(waterfall: Waterfall) -> list[tuple[float, float]]:
    """Return the times at which something ran: these are never drawn short."""
    return [
        (bar.start, bar.end)
        for run in waterfall.runs
        for bar in run.bars
        if bar.kind in {Kind.RUN, Kind.COLD_START}
    ]
