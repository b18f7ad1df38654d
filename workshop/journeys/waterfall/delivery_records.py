"""The runs in the local cloud's delivery records, joined with those in the logs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.journeys.waterfall.model import CLOCK_STEP, Bar, Kind, Result, Run, with_run_bar

_RESULTS = {
    Outcome.DELIVERED: Result.DELIVERED,
    Outcome.FAILED: Result.FAILED,
    Outcome.THROTTLED: Result.THROTTLED,
    Outcome.REFUSED: Result.REFUSED,
    Outcome.DROPPED: Result.DROPPED,
    Outcome.DEAD_LETTERED: Result.DEAD_LETTERED,
    Outcome.KILLED: Result.KILLED,
}


def times(record: Delivery) -> tuple[datetime, datetime]:
    """Return when an attempt started and when its outcome was known."""
    known_at = datetime.fromisoformat(record.time)
    return (datetime.fromisoformat(record.started) if record.started else known_at), known_at


@dataclass
class Attempts:
    """The attempts in the delivery records, joined with the runs in the logs."""

    began: datetime
    functions: Mapping[str, str]
    records: Sequence[Delivery]

    def joined(self, logged: list[Run]) -> list[Run]:
        """Return all runs: those of both sources once, with the bars of the delivery records."""
        found: list[Run] = []
        left = list(logged)
        for group in self._groups().values():
            found += self._invocation(group, left)
        started = {(run.function, run.request_id) for run in left if run.request_id}
        return left + [
            run
            for run in found
            if run.result is not Result.WAITING or (run.function, run.request_id) not in started
        ]

    def _groups(self) -> dict[tuple[str, str], list[Delivery]]:
        """Return the records of each invocation, or of each message of a queue, oldest first.

        A refusal comes before there is an invocation; it belongs to the first one of its event.
        """
        groups: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
        first: dict[tuple[str, str], str] = {}
        for record in self.records:
            if record.request_id and record.origin.event_id:
                first.setdefault((record.function, record.origin.event_id), record.request_id)
        for record in sorted(self.records, key=lambda each: (each.time, each.attempt)):
            of_event = record.function, record.origin.event_id
            known = record.message_id or record.request_id or first.get(of_event)
            key = known or f"event {record.origin.event_id}"
            groups[record.function, key].append(record)
        return groups

    def _invocation(self, records: Sequence[Delivery], logged: list[Run]) -> Iterator[Run]:
        """Yield an invocation's runs; remove those that were logged from `logged`."""
        waiting_since: float | None = None  # the end of the attempt before, or of the refusal
        due: float | None = None
        runs: list[Run] = []
        killed = any(record.outcome is Outcome.KILLED for record in records)
        for record in records:
            match record.outcome:
                case Outcome.DUPLICATED | Outcome.DELAYED | Outcome.REORDERED:
                    if record.next_try:
                        waiting_since, due = self._at(record.accepted), self._at(record.next_try)
                    continue
                case Outcome.DROPPED | Outcome.DEAD_LETTERED if runs and record.attempt:
                    runs[-1] = replace(
                        runs[-1], kept=_RESULTS[record.outcome], queue=_name(record.queue)
                    )
                    waiting_since = due = None
                    continue
                case Outcome.KILLED:
                    continue
            run = self._attempt(record, waiting_since, due, runs[-1] if runs else None)
            if match := _logged_as(run, logged):
                logged.remove(match)
                run = _merged(run, match)
            runs.append(run)
            waiting_since = run.end
            due = self._at(record.next_try) if record.next_try else None
        if killed:
            runs = list(self._killed(records, runs, logged))
        yield from runs
        if due is not None and waiting_since is not None:
            yield self._waiting(records[-1], waiting_since, due, runs)

    def _attempt(
        self, record: Delivery, waiting_since: float | None, due: float | None, before: Run | None
    ) -> Run:
        """Return the run of a record, with the bars before it."""
        known_at = self._at(record.time)
        ran = record.milliseconds / 1000
        # A record without its start is an old one, or the attempt did not run.
        start = self._at(record.started) if record.started else known_at - ran
        if before is not None and before.end is not None:
            start = max(start, before.end)
        end = max(start + ran, start)
        bars: list[Bar] = []
        if before is not None and waiting_since is not None:
            until = start if due is None else min(max(due, waiting_since), start)
            bars += [Bar(Kind.WAIT, waiting_since, until), Bar(Kind.QUEUE, until, start)]
        elif record.accepted and record.started:
            since = min(self._at(record.accepted), start)
            held = min(since + record.delay_milliseconds / 1000, start)
            bars += [Bar(Kind.DELAY, since, held), Bar(Kind.QUEUE, held, start)]
        warm = min(start + record.cold_start_milliseconds / 1000, end)
        bars = [bar for bar in (*bars, Bar(Kind.COLD_START, start, warm)) if bar.start < bar.end]
        result = _RESULTS[record.outcome]
        return Run(
            self._key(record),
            start,
            end,
            result,
            attempt=record.attempt,
            received=_step(record),
            error="" if result is Result.DELIVERED else record.reason,
            queue=_name(record.queue),
            injected=record.reason == "injected fault",
            cold=warm > start,
            request_id=record.request_id,
            event_id=record.origin.event_id,
            message_id=record.message_id,
            bars=(*bars, Bar(Kind.RUN, warm, end)),
        )

    def _killed(
        self, records: Sequence[Delivery], runs: list[Run], logged: list[Run]
    ) -> Iterator[Run]:
        """Yield an invocation's runs, those marked that fault injection killed."""
        moments = [self._at(each.time) for each in records if each.outcome is Outcome.KILLED]
        for run in runs:
            end = run.start if run.end is None else run.end
            hit = [at for at in moments if run.start - CLOCK_STEP <= at <= end + CLOCK_STEP]
            if not hit or run.result is not Result.FAILED:
                yield run
                continue
            moments.remove(hit[0])
            yield replace(run, result=Result.KILLED, injected=True)
        for at in moments:  # a synchronous invocation has no record of its own
            killed = next(each for each in records if each.outcome is Outcome.KILLED)
            run = Run(self._key(killed), at, at, Result.KILLED, request_id=killed.request_id)
            if match := _logged_as(run, logged):
                logged.remove(match)
                run = replace(match, end=max(at, match.start), result=Result.KILLED)
            yield replace(with_run_bar(run), injected=True)

    def _waiting(
        self, record: Delivery, waiting_since: float, due: float, runs: Sequence[Run]
    ) -> Run:
        """Return the attempt that is due and has not started."""
        kind = Kind.WAIT if runs else Kind.DELAY
        return Run(
            self._key(record),
            max(due, waiting_since),
            None,
            Result.WAITING,
            attempt=runs[-1].attempt + 1 if runs else 1,
            received=_step(record),
            request_id=record.request_id,
            event_id=record.origin.event_id,
            message_id=record.message_id,
            bars=(Bar(kind, waiting_since, max(due, waiting_since)),),
        )

    def _at(self, moment: str) -> float:
        return (datetime.fromisoformat(moment) - self.began).total_seconds()

    def _key(self, record: Delivery) -> str:
        return self.functions.get(record.function, record.function)


def _step(record: Delivery) -> str:
    return record.origin.identity.rpartition("/")[2]


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _logged_as(run: Run, logged: Sequence[Run]) -> Run | None:
    """Return the logged run of an attempt: the same invocation, at the same time."""
    end = run.start if run.end is None else run.end
    slack = CLOCK_STEP if run.request_id else 0.0

    def fits(other: Run) -> bool:
        if other.function != run.function:
            return False
        if other.request_id and run.request_id and other.request_id != run.request_id:
            return False
        if run.result is Result.KILLED and run.request_id and other.request_id:
            return other.start <= end + slack
        return run.start - slack <= other.start <= end + slack

    return next((other for other in logged if fits(other)), None)


def _merged(run: Run, logged: Run) -> Run:
    """Return a recorded attempt with what its function logged."""
    if run.message_id:
        run = _own_part(run, logged)
    return replace(
        run,
        received=logged.received or run.received,
        published=logged.published,
        sent=logged.sent,
        again=logged.again,
        error=logged.error or run.error,
        reason=logged.reason,
        status=logged.status,
        cold=run.cold or logged.cold,
        request_id=run.request_id or logged.request_id,
    )


def _own_part(run: Run, logged: Run) -> Run:
    """Return a run with the time of its own message: while others of its batch run, it waits."""
    if run.end is None or logged.end is None:
        return run
    *before, ran = run.bars
    start = min(max(ran.start, logged.start), run.end)
    end = min(max(start, logged.end), run.end)
    if ran.start < start:
        before.append(Bar(Kind.QUEUE, ran.start, start))
    bars = (*before, Bar(Kind.RUN, start, end))
    return replace(run, start=run.start if run.cold else start, end=end, bars=bars)
