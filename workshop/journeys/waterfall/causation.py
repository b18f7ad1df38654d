"""Which run caused which, which is a duplicate, and which changed the order's status."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from workshop.journeys.waterfall.model import (
    CLOCK_STEP,
    RECONCILER,
    REDRIVE,
    Arrow,
    Kind,
    Result,
    Run,
    StatusChange,
    with_run_bar,
)
from workshop.stages import flow

REPUBLISHED_LATE = 0.05
"""Seconds: the reconciler logs after the bus has answered, and a consumer may already have logged
by then.
"""


def with_manual_sources(runs: Sequence[Run]) -> list[Run]:
    """Move the redrive and the reconciler to when they acted: they log when that is done."""

    def moved(run: Run) -> Run:
        if run.function == REDRIVE:
            found = [
                other.start
                for other in runs
                if other.received == run.published and other.start <= run.start
            ]
            at = max(found, default=run.start)
        elif run.function == RECONCILER:
            found = [
                _arrival(other)
                for other in runs
                if other.received == run.published
                and run.start - REPUBLISHED_LATE <= _arrival(other) <= run.start
            ]
            at = min(found, default=run.start)
        else:
            return run
        return with_run_bar(replace(run, start=at, end=at, sent=at))

    return [moved(run) for run in runs]


def arrows_between(runs: Sequence[Run]) -> list[Arrow]:
    """Return for each run that an event started the run that published the event.

    A retry has no arrow: the wait before it leads from the attempt before.
    """
    arrows = []
    for target, run in enumerate(runs):
        if not run.received or (run.bars and run.bars[0].kind is Kind.WAIT):
            continue
        source = _source(runs, run)
        if source is not None and (sent := runs[source].sent) is not None:
            left = min(sent, run.arrived)
            arrows.append(Arrow(run.received, source, target, left, run.arrived))
    return arrows


def _source(runs: Sequence[Run], run: Run) -> int | None:
    """Return the index of the last run that had published a run's event when it arrived."""
    arrived = _arrival(run)
    found = [
        (other.sent, number)
        for number, other in enumerate(runs)
        if other is not run
        and other.published == run.received
        and other.sent is not None
        and other.sent <= arrived + CLOCK_STEP
        # A redrive invokes one function; the event's other consumers do not get it again.
        and (other.function != REDRIVE or abs(other.sent - run.start) <= CLOCK_STEP)
    ]
    return max(found)[1] if found else None


def _arrival(run: Run) -> float:
    """Return when a run's event arrived; of a retry, when the attempt started."""
    return run.start if run.bars and run.bars[0].kind is Kind.WAIT else run.arrived


def with_repetitions(runs: Sequence[Run], arrows: Sequence[Arrow]) -> Iterator[Run]:
    """Yield the runs, those marked with an event that the function had already received.

    A redrive invokes the function itself, so only the function's log has this run.
    """
    lost = set()
    sources = {arrow.target: arrow.source for arrow in arrows}
    deliveries: dict[tuple[str, str], str] = {}
    for number, run in enumerate(runs):
        step = run.function, run.received
        if Result.DEAD_LETTERED in {run.result, run.kept}:
            lost.add(step)
        elif step in lost and not run.event_id:
            yield replace(run, redriven=True)
            continue
        event = run.event_id or (f"of {sources[number]}" if number in sources else "")
        if event and run.request_id:
            own = run.message_id or run.request_id
            first = deliveries.setdefault((run.function, event), own)
            yield replace(run, duplicate=own != first)
        else:
            yield run


def status_changes(runs: Iterable[Run]) -> Iterator[StatusChange]:
    """Yield the changes of the order's row: its creation, and what the tracker logged."""
    first = flow().good_path[0].key
    found = [
        StatusChange(run.sent, run.status or flow().statuses.get(run.published, ""), step)
        for run in runs
        if run.sent is not None and (step := run.received if run.status else run.published)
        if run.status or run.function == first
    ]
    shown: set[str] = set()
    for change in sorted(found, key=lambda each: each.at):
        if change.status not in shown:
            shown.add(change.status)
            yield change
