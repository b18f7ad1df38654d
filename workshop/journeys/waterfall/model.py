"""What a waterfall consists of: runs with their bars, arrows, and changes of the status."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from workshop.stages import flow

RECONCILER = "reconciler"
REDRIVE = "redrive"
CLOCK_STEP = 0.002
"""Seconds: times are in whole milliseconds, so an event may seem to arrive before it was sent."""


class Kind(StrEnum):
    """What a stretch of time was spent on."""

    DELAY = "injected delay"
    WAIT = "wait before a retry"
    QUEUE = "queueing"
    COLD_START = "cold start"
    RUN = "run"


class Result(StrEnum):
    """How a run ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    KILLED = "killed"
    THROTTLED = "throttled"
    REFUSED = "refused"
    DROPPED = "dropped"
    DEAD_LETTERED = "dead-lettered"
    WAITING = "waiting"
    """It has not started: its retry, or the end of an injected delay, is due later."""
    UNFINISHED = "unfinished"
    """It logged nothing more: it still runs, or it was killed."""


BAD = {
    Result.FAILED,
    Result.KILLED,
    Result.THROTTLED,
    Result.REFUSED,
    Result.DROPPED,
    Result.DEAD_LETTERED,
}
"""The results in which an attempt had no success."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a run; times are seconds since the waterfall's first moment."""

    kind: Kind
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt of a function at one event; times are seconds since the first moment.

    Attributes:
        function: The function's key.
        start: When it started, with its cold start; an attempt that never ran has no duration.
        end: When it ended; None while that is not known.
        result: How it ended.
        attempt: The number of the attempt at the event, from 1; 0 if there was none.
        received: The event's step; empty when no event started it.
        published: The step of the event that it published.
        sent: When it published; of the tracker, when it had set the status.
        again: Whether it found a stored outcome and published it again.
        error: The name of the error it failed with, or the reason of another result.
        reason: The text of the error.
        status: The status that it gave the order; only the tracker does.
        kept: Whether the event was dead-lettered or dropped after this attempt, the last one.
        queue: The name of the queue with the event, if it is in one.
        duplicate: Whether the event had already been delivered to the function.
        redriven: Whether a redrive started it, for an event that was a dead letter.
        injected: Whether fault injection ended it.
        cold: Whether its execution environment was new.
        request_id: The invocation's id; all its attempts have the same, unless a queue retries.
        event_id: EventBridge's id of the event, if it is known.
        message_id: The id of the queue's message with the event, which all its attempts have.
        bars: What its time was spent on, in order; they do not overlap.
    """

    function: str
    start: float
    end: float | None
    result: Result
    attempt: int = 1
    received: str = ""
    published: str = ""
    sent: float | None = None
    again: bool = False
    error: str = ""
    reason: str = ""
    status: str = ""
    kept: Result | None = None
    queue: str = ""
    duplicate: bool = False
    redriven: bool = False
    injected: bool = False
    cold: bool = False
    request_id: str = ""
    event_id: str = ""
    message_id: str = ""
    bars: tuple[Bar, ...] = ()

    @property
    def arrived(self) -> float:
        """When its first bar starts: its event was accepted, or the attempt before it ended."""
        return self.bars[0].start if self.bars else self.start

    @property
    def is_tracker(self) -> bool:
        """Whether it only followed the order's status."""
        return self.function == flow().tracker.key

    @property
    def seconds(self) -> float:
        """How long it ran, with its cold start."""
        return 0.0 if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class Arrow:
    """An event that one run published and that caused another run.

    Attributes:
        step: The event's step.
        source: The index of the run that published it.
        target: The index of the run that it caused.
        start: When it was published.
        end: When it arrived: the target's first bar starts.
    """

    step: str
    source: int
    target: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A change of the order's row: its new status, and the event that caused it."""

    at: float
    status: str
    step: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """An order's journey, ready to be shown.

    Attributes:
        began: The first moment; every time is in seconds since then.
        end: The last moment.
        runs: By their start.
        arrows: Which run caused which; each event's delivery is one arrow.
        statuses: The changes of the order's row.
        notes: What the sources do not show.
    """

    began: datetime
    end: float
    runs: tuple[Run, ...]
    arrows: tuple[Arrow, ...]
    statuses: tuple[StatusChange, ...]
    notes: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions in the flow's order, the tracker last."""
        return tuple(sorted({run.function for run in self.runs}, key=place))

    @property
    def words(self) -> str:
        """The journey in the flow's order, without ids and times: those differ in each run."""
        return _words(self.functions, self.runs)


def place(function: str) -> tuple[int, str]:
    """Return a function's place in the flow; unknown ones come after, the tracker last."""
    tracker = flow().tracker.key
    known = [key for key in flow().functions if key != tracker]
    if function == tracker:
        return len(known) + 1, function
    return (known.index(function) if function in known else len(known)), function


def order(run: Run) -> tuple[float, tuple[int, str], int]:
    """Return the key that sorts runs: by their start, then by their place in the flow."""
    return run.start, place(run.function), run.attempt


def with_run_bar(run: Run) -> Run:
    """Return a run with one bar, from its start to its end."""
    end = run.start if run.end is None else run.end
    return replace(run, bars=(Bar(Kind.RUN, run.start, end),))


def _words(functions: Iterable[str], runs: Sequence[Run]) -> str:
    """Describe the journey in the flow's order: the order in time differs from run to run."""
    functions = tuple(functions)
    published = {run.published for run in runs}
    acting = [name for name in functions if name not in {flow().tracker.key, RECONCILER, REDRIVE}]
    failures = sorted(
        {
            (place(run.function), f"{run.function} ({run.error or run.result})")
            for run in runs
            if run.result is Result.FAILED
        }
    )
    again = [name for name in functions if any(run.again for run in runs if run.function == name)]
    parts = [
        f"an order's journey: {' → '.join(acting)}",
        " → ".join(status for step, status in flow().statuses.items() if step in published),
        "failed: " + ", ".join(text for _, text in failures) if failures else "",
        "re-published by the reconciler" if RECONCILER in functions else "",
        "redriven" if REDRIVE in functions else "",
        f"published again: {', '.join(again)}" if again else "",
    ]
    return "; ".join(part for part in parts if part)
