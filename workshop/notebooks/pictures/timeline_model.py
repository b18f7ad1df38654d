"""What a journey's hops tell: who worked when, on what, which event went where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workshop.errors import WorkshopError
from workshop.orders.journey import Hop

TRACKER = "order-tracker"
RECONCILER = "reconciler"
REDRIVE = "redrive"
FLOW = (
    "order-api",
    RECONCILER,
    REDRIVE,
    "payment",
    "inventory",
    "shipping",
    "payment-refund",
)
"""The functions in the flow's order; unknown ones come after, the tracker last."""

STATUSES = {
    "order-created": "CREATED",
    "payment-succeeded": "PAID",
    "payment-declined": "PAYMENT_DECLINED",
    "stock-reserved": "RESERVED",
    "shipment-prepared": "SHIPMENT_PREPARED",
    "payment-refunded": "REFUNDED",
}
"""Event → the status it stands for, in the flow's order."""

ANNOUNCED = "order-created"
"""What the reconciler publishes; its log line does not repeat it."""
ANNOUNCED_LATE = 0.05
"""Seconds: it logs when the bus has answered, and a consumer may have spoken by then."""


@dataclass(frozen=True, slots=True)
class Work:
    """A function at work on one event; times are seconds since the first hop."""

    function: str
    start: float
    end: float | None
    """None: it said no more, because it was killed or is still at it."""
    received: str = ""
    """The event's step; empty when no event made it start."""
    published: str = ""
    again: bool = False
    """It found what it had done before, and published that once more."""
    error: str = ""
    """The name of what it failed with."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """The tracker saw an event; `status` is empty when it changed nothing."""

    at: float
    step: str
    status: str


@dataclass(frozen=True, slots=True)
class Way:
    """An event's way from one function to another, or a failed function's next try."""

    step: str
    source: str
    target: str
    start: float
    end: float

    @property
    def is_retry(self) -> bool:
        """Whether nothing travelled: the same function tries the same event again."""
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Story:
    """A journey, ready to be drawn."""

    functions: tuple[str, ...]
    """In the order of their lanes."""
    moments: tuple[float, ...]
    """When anything was said: seconds since the first hop, rising."""
    works: tuple[Work, ...]
    tracked: tuple[Tracked, ...]
    ways: tuple[Way, ...]
    words: str


def story_of(hops: Sequence[Hop]) -> Story:
    """Make a story of an order's hops.

    Raises:
        WorkshopError: There are none.
    """
    if not hops:
        raise WorkshopError("No function has logged anything about this order yet.")
    hops = sorted(_as_it_was(sorted(hops)))
    first = hops[0].at
    moments = [(hop.at - first).total_seconds() for hop in hops]
    timed = list(zip(moments, hops, strict=True))
    works = _works(timed)
    tracked = tuple(Tracked(at, *_seen(hop.step)) for at, hop in timed if hop.what == "tracked")
    functions = tuple(sorted({hop.function for hop in hops}, key=_place))
    ways = (*_ways(works), *_ways_to_tracker(works, tracked))
    return Story(functions, tuple(moments), works, tracked, ways, _words(functions, works))


def _as_it_was(hops: Sequence[Hop]) -> list[Hop]:
    """Put the redrive's hops where it handed an event over: it logs when the consumer is done."""

    def handed_over(redriven: Hop) -> Hop:
        taken = [
            hop.at
            for hop in hops
            if (hop.what, hop.step) == ("consumed", redriven.step) and hop.at < redriven.at
        ]
        return replace(redriven, at=max(taken, default=redriven.at))

    return [handed_over(hop) if hop.function == REDRIVE else hop for hop in hops]


def _place(function: str) -> tuple[int, str]:
    if function == TRACKER:
        return len(FLOW) + 1, function
    return (FLOW.index(function) if function in FLOW else len(FLOW)), function


def _seen(step: str) -> tuple[str, str]:
    """Split `payment-succeeded → PAID` and `order-created (no change)`."""
    event, _, status = step.partition(" → ")
    return event.partition(" ")[0], status


def _works(timed: Iterable[tuple[float, Hop]]) -> tuple[Work, ...]:
    """Pair each `consumed` with what the function said next."""
    done: list[Work] = []
    begun: dict[str, list[Work]] = {}
    for at, hop in timed:
        open_works = begun.setdefault(hop.function, [])
        match hop.what:
            case "tracked":
                continue
            case "consumed":
                open_works.append(Work(hop.function, at, None, received=hop.step))
                continue
        # The newest: what was begun before it and said nothing was killed.
        start = open_works.pop() if open_works else Work(hop.function, at, at)
        done.append(_ended(start, at, hop))
    left = (work for works in begun.values() for work in works)
    return tuple(sorted((*done, *left), key=lambda work: (work.start, _place(work.function))))


def _ended(start: Work, at: float, hop: Hop) -> Work:
    failed = hop.what == "failed"
    return Work(
        hop.function,
        start.start,
        at,
        received=start.received,
        published="" if failed else hop.step or ANNOUNCED,
        again=hop.what == "published again",
        error=hop.step.partition(":")[0] if failed else "",
    )


def _ways(works: Sequence[Work]) -> list[Way]:
    """Find for each work what made it start: a failed try before it, or an event."""
    ways = []
    for work in works:
        if not work.received:
            continue
        source = _sender(works, work.received, work.start)
        tried = _tried_before(works, work)
        tried_at = (tried.start if tried.end is None else tried.end) if tried else 0.0
        if tried and (source is None or (source.end or 0.0) < tried_at):
            ways.append(Way(work.received, work.function, work.function, tried_at, work.start))
        elif source and source.end is not None:
            left = min(source.end, work.start)
            ways.append(Way(work.received, source.function, work.function, left, work.start))
    return ways


def _ways_to_tracker(works: Sequence[Work], tracked: Sequence[Tracked]) -> list[Way]:
    ways = []
    for seen in tracked:
        source = _sender(works, seen.step, seen.at)
        if source and source.end is not None:
            left = min(source.end, seen.at)
            ways.append(Way(seen.step, source.function, TRACKER, left, seen.at))
    return ways


def _sender(works: Sequence[Work], step: str, before: float) -> Work | None:
    """Return the work that published an event last before a moment."""
    sent = [work for work in works if work.published == step and _sent_at(work) <= before]
    return max(sent, key=_sent_at, default=None)


def _sent_at(work: Work) -> float:
    late = ANNOUNCED_LATE if work.function == RECONCILER else 0.0
    return (work.end or 0.0) - late


def _tried_before(works: Sequence[Work], work: Work) -> Work | None:
    """Return the last try of the same, if it came to nothing."""
    before = [
        other
        for other in works
        if other.function == work.function
        and other.received == work.received
        and other.start < work.start
        and not (other.end is not None and other.end > work.start)
    ]
    return before[-1] if before and not before[-1].published else None


def _words(functions: Iterable[str], works: Sequence[Work]) -> str:
    """Say what happened, in the flow's order: that of time differs from run to run."""
    published = {work.published for work in works}
    acting = [name for name in functions if name not in {TRACKER, RECONCILER, REDRIVE}]
    failures = sorted(
        {(_place(work.function), f"{work.function} ({work.error})") for work in works if work.error}
    )
    again = [name for name in functions if any(w.again for w in works if w.function == name)]
    parts = [
        f"an order's journey: {' → '.join(acting)}",
        " → ".join(status for step, status in STATUSES.items() if step in published),
        "failed: " + ", ".join(text for _, text in failures) if failures else "",
        "announced again by the reconciler" if RECONCILER in functions else "",
        "brought back by the redrive" if REDRIVE in functions else "",
        f"published again: {', '.join(again)}" if again else "",
    ]
    return "; ".join(part for part in parts if part)
