"""The words of a waterfall, the same in every picture."""

from workshop.journeys.axis import duration
from workshop.journeys.waterfall import REDRIVE, Kind, Result, Run, Waterfall

SPENT = {
    Kind.DELAY: "delayed by fault injection",
    Kind.WAIT: "waited for a retry",
    Kind.QUEUE: "queued",
    Kind.COLD_START: "cold start",
    Kind.RUN: "ran",
}
"""Kind of bar → what the time was spent on."""


def label_of(run: Run) -> str:
    """Return a run's function, and the attempt if it is not the first."""
    return f"{run.function} · try {run.attempt}" if run.attempt > 1 else run.function


def outcome_of(run: Run) -> str:
    """Return what a run published, or how it ended, in a few words."""
    return f"{_ending(run)}, then {run.kept}" if run.kept else _ending(run)


def note_of(run: Run, *, timed: bool = True) -> str:
    """Return a run's outcome and, if it is timed, its duration, for a label beside its bar."""
    again = "redriven" if run.redriven else "duplicate" if run.duplicate else ""
    parts = [again, outcome_of(run)]
    if timed and run.seconds:
        parts.append(duration(run.seconds))
    return " · ".join(filter(None, parts))


def sentence_of(run: Run) -> str:
    """Return everything about a run: a text for people who do not see its bars."""
    event = f" for {run.received}" if run.received else ""
    if run.duplicate:
        event += " (delivered again)"
    if run.redriven:
        event += " (redriven)"
    spent = "".join(
        f", {SPENT[bar.kind]} {duration(bar.end - bar.start)}"
        for bar in run.bars
        if bar.start < bar.end
    )
    reason = f" ({run.reason})" if run.reason else ""
    where = f" in {run.queue}" if run.queue else ""
    happened = f"{event} at {duration(run.arrived)}{spent}"
    return f"{label_of(run)}{happened}: {outcome_of(run)}{reason}{where}."


def description_of(waterfall: Waterfall) -> str:
    """Return the whole waterfall as text: a sentence for each run, then the statuses."""
    statuses = ", ".join(f"{each.status} at {duration(each.at)}" for each in waterfall.statuses)
    runs = [sentence_of(run) for run in waterfall.runs]
    return " ".join([*runs, f"Statuses: {statuses}." if statuses else "", *waterfall.notes]).strip()


def _ending(run: Run) -> str:
    if run.result is Result.DELIVERED:
        return _delivered(run)
    if run.result is Result.WAITING:
        return f"due at {duration(run.start)}"
    if run.result is Result.UNFINISHED:
        return "logged nothing more"
    if run.injected:
        return f"{run.result} by fault injection"
    return f"{run.result}: {run.error}" if run.error else str(run.result)


def _delivered(run: Run) -> str:
    if run.function == REDRIVE:
        return f"redrives {run.published}"
    if run.is_tracker:
        return run.status or "no change"
    if not run.published:
        return "returned"
    return f"{run.published} (again)" if run.again else run.published
