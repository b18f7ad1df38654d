"""The runs in the functions' logs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from workshop.journeys.hops import Hop
from workshop.journeys.waterfall.causation import with_manual_sources
from workshop.journeys.waterfall.model import Bar, Kind, Result, Run, order, with_run_bar

REPUBLISHED = "order-created"
"""What the reconciler publishes; its log line does not repeat it."""

_LOGGED = {each.value: each for each in (Result.KILLED, Result.REFUSED, Result.DROPPED)} | {
    Result.DEAD_LETTERED.value: Result.DEAD_LETTERED
}
"""A hop's `what` → the result, for hops that come from the delivery log."""


def logged_runs(hops: Sequence[Hop], began: datetime, *, known: bool) -> list[Run]:
    """Return the runs in the logs: each `consumed` with the line that the function logged next.

    Args:
        hops: Oldest first.
        began: The moment from which seconds count.
        known: Whether delivery records are there; then the hops made from them are left out.
    """
    done: list[Run] = []
    begun: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for hop in hops:
        at = (hop.at - began).total_seconds()
        started = begun[hop.function, hop.request_id]
        run = Run(
            hop.function,
            at,
            None,
            Result.UNFINISHED,
            cold=hop.cold,
            request_id=hop.request_id,
        )
        if hop.what == "consumed":
            started.append(replace(run, received=hop.step))
        elif hop.what not in _LOGGED:
            # The newest: an earlier run that logged nothing more was killed.
            done.append(_ended(started.pop() if started else run, at, hop))
        elif not known:
            step = hop.step.partition(" ")[0]
            if hop.what == Result.KILLED and started:
                done.append(replace(started.pop(), end=at, result=Result.KILLED, injected=True))
            else:
                done.append(replace(run, end=at, result=_LOGGED[hop.what], received=step))
    done += (run for runs in begun.values() for run in runs)
    runs = with_manual_sources([with_run_bar(run) for run in done])
    return _numbered(sorted(runs, key=order))


def _ended(run: Run, at: float, hop: Hop) -> Run:
    if hop.what == "failed":
        error, _, reason = hop.step.partition(": ")
        return replace(run, end=at, result=Result.FAILED, error=error, reason=reason)
    if hop.what == "tracked":
        event, _, status = hop.step.partition(" → ")
        received = event.partition(" ")[0]
        done = replace(run, end=at, result=Result.DELIVERED, sent=at)
        return replace(done, received=received, status=status)
    return replace(
        run,
        end=at,
        result=Result.DELIVERED,
        published=hop.step or REPUBLISHED,
        sent=at,
        again=hop.what == "published again",
    )


def _numbered(runs: Sequence[Run]) -> list[Run]:
    """Number the attempts, and add the waits between them.

    All attempts of an invocation have its request id. Logs without ids: the previous attempt at the
    same event failed, or logged nothing more.
    """
    numbered: list[Run] = []
    for run in runs:
        before = next((other for other in reversed(numbered) if _is_retry(run, other)), None)
        if before and _sent_between(runs, run.received, before, run):
            before = None
        if before is None:
            numbered.append(run)
            continue
        waited_from = before.start if before.end is None else before.end
        wait = Bar(Kind.WAIT, waited_from, run.start)
        bars = (wait, *run.bars) if wait.start < wait.end else run.bars
        numbered.append(replace(run, attempt=before.attempt + 1, bars=bars))
    return numbered


def _is_retry(run: Run, before: Run) -> bool:
    if run.function != before.function or not run.received or run.received != before.received:
        return False
    if before.published or before.status or before.result is Result.DELIVERED:
        return False
    if before.end is not None and before.end > run.start:
        return False
    return run.request_id == before.request_id


def _sent_between(runs: Sequence[Run], step: str, before: Run, after: Run) -> bool:
    """Return whether an event was published between two runs: then the second is no retry."""
    since = before.start if before.end is None else before.end
    return any(
        run.published == step and run.sent is not None and since < run.sent <= after.start
        for run in runs
    )
