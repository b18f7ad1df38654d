"""The model of a waterfall: from logs alone, and joined with the delivery records."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from tests.fixtures.journeys import (
    JOURNEYS,
    KILLED,
    NORMAL,
    OVERTAKEN,
    RECONCILED,
    REDRIVEN,
    REFUNDED,
    RETRIED,
    START,
    journey,
)
from workshop.errors import WorkshopError
from workshop.journeys.hops import Hop
from workshop.journeys.waterfall import (
    FROM_LOGS_ALONE,
    Bar,
    Kind,
    Result,
    Run,
    Waterfall,
    waterfall_of,
)
from workshop.journeys.waterfall.model import CLOCK_STEP
from workshop.stages import flow

TRACKER = flow().tracker.key
KEYS = {"live-payment": "payment", "live-inventory": "inventory"}


def moment(milliseconds: float) -> str:
    at = START + timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds")


def record(
    at: float,
    outcome: Outcome,
    *,
    function: str = "live-payment",
    step: str = "order-created",
    request: str = "r1",
    event: str = "e1",
    took: float = 0.0,
    cold: float = 0.0,
    accepted: float | None = None,
    due: float | None = None,
    **rest: Any,
) -> Delivery:
    """A record of an attempt that ended at a moment; all times in milliseconds."""
    origin = Origin(event, f"ord_1/{step}", "ord_1", "Any", "rule")
    ran = outcome in {Outcome.DELIVERED, Outcome.FAILED, Outcome.THROTTLED}
    return Delivery(
        function,
        outcome,
        origin,
        milliseconds=took,
        time=moment(at),
        request_id=request,
        accepted="" if accepted is None else moment(accepted),
        started=moment(at - took) if ran else "",
        cold_start_milliseconds=cold,
        next_try="" if due is None else moment(due),
        **rest,
    )


def logged(report: str, request: str = "r1") -> list[Hop]:
    return [replace(hop, request_id=request) for hop in journey(report)]


PLACED = logged("0 order-api published order-created", "api")


def of(waterfall: Waterfall, function: str) -> list[Run]:
    return [run for run in waterfall.runs if run.function == function]


def bars(run: Run) -> list[tuple[Kind, int, int]]:
    """A run's bars, in milliseconds."""
    return [(bar.kind, round(bar.start * 1000), round(bar.end * 1000)) for bar in run.bars]


def caused(waterfall: Waterfall) -> list[tuple[str, str, str]]:
    """The arrows to functions other than the tracker."""
    runs = waterfall.runs
    return [
        (runs[arrow.source].function, arrow.step, runs[arrow.target].function)
        for arrow in waterfall.arrows
        if runs[arrow.target].function != TRACKER
    ]


class TestFromLogs:
    def test_run_has_its_event_and_what_it_published(self) -> None:
        (payment,) = of(waterfall_of(NORMAL), "payment")
        assert (payment.received, payment.published) == ("order-created", "payment-succeeded")
        assert (payment.result, payment.attempt) == (Result.DELIVERED, 1)
        assert bars(payment) == [(Kind.RUN, 5, 18)]

    def test_event_leads_from_its_publisher_to_each_consumer(self) -> None:
        assert caused(waterfall_of(REFUNDED)) == [
            ("order-api", "order-created", "payment"),
            ("payment", "payment-succeeded", "inventory"),
            ("inventory", "out-of-stock", "payment-refund"),
        ]

    def test_retry_waits_from_the_end_of_the_attempt_before(self) -> None:
        first, second, third = of(waterfall_of(RETRIED), "payment")
        assert [run.attempt for run in (first, second, third)] == [1, 2, 3]
        assert (first.result, first.error) == (Result.FAILED, "GatewayUnavailableError")
        assert bars(second) == [(Kind.WAIT, 11, 1022), (Kind.RUN, 1022, 1027)]
        assert bars(third) == [(Kind.WAIT, 1027, 3036), (Kind.RUN, 3036, 3043)]
        assert (third.result, third.published) == (Result.DELIVERED, "payment-succeeded")

    def test_redriven_event_is_a_new_delivery_and_no_retry(self) -> None:
        waterfall = waterfall_of(REDRIVEN)
        runs = of(waterfall, "inventory")
        assert [run.attempt for run in runs] == [1, 2, 3, 1]
        assert bars(runs[-1]) == [(Kind.RUN, 875379, 875385)]
        assert ("redrive", "payment-succeeded", "inventory") in caused(waterfall)

    def test_redrive_leads_to_no_other_consumer_of_the_event(self) -> None:
        """The tracker gets the event late; the redrive did not send it there."""
        late = replace(
            next(hop for hop in REDRIVEN if hop.step.endswith("PAID")),
            at=START + timedelta(seconds=876),
        )
        waterfall = waterfall_of([*REDRIVEN, late])
        sources = {waterfall.runs[arrow.source].function for arrow in waterfall.arrows[-1:]}
        assert sources == {"payment"}

    def test_reconciled_order_starts_again_at_the_reconciler(self) -> None:
        waterfall = waterfall_of(RECONCILED)
        assert [run.again for run in of(waterfall, "payment")] == [False, True]
        assert ("reconciler", "order-created", "payment") in caused(waterfall)
        assert waterfall.words.endswith("published again: payment, inventory")

    def test_reconciler_acts_before_the_consumer_that_logs_first(self) -> None:
        hasty = [
            replace(hop, at=hop.at + timedelta(milliseconds=540))
            if hop.function == "reconciler"
            else hop
            for hop in RECONCILED
        ]
        waterfall = waterfall_of(hasty)
        assert ("reconciler", "order-created", "payment") in caused(waterfall)

    def test_killed_run_has_no_end_in_the_logs(self) -> None:
        killed, second = of(waterfall_of(KILLED), "payment")
        assert (killed.end, killed.result) == (None, Result.UNFINISHED)
        assert (second.attempt, second.again) == (2, True)

    def test_statuses_are_those_of_the_orders_row(self) -> None:
        changes = waterfall_of(NORMAL).statuses
        assert [(change.status, change.step) for change in changes] == [
            ("CREATED", "order-created"),
            ("PAID", "payment-succeeded"),
            ("RESERVED", "stock-reserved"),
            ("SHIPMENT_PREPARED", "shipment-prepared"),
        ]

    def test_status_that_was_overtaken_is_no_change(self) -> None:
        statuses = [change.status for change in waterfall_of(OVERTAKEN).statuses]
        assert statuses == ["CREATED", "PAID", "SHIPMENT_PREPARED"]

    def test_waterfall_says_what_logs_do_not_show(self) -> None:
        assert waterfall_of(NORMAL).notes == (FROM_LOGS_ALONE,)
        assert waterfall_of(NORMAL, []).notes == ()

    def test_second_invocation_of_the_same_event_is_a_duplicate(self) -> None:
        """Logs on AWS have no event id, but invocations that one publication caused."""
        first = logged("5 payment consumed order-created\n9 payment published payment-succeeded")
        second = logged(
            "20 payment consumed order-created\n24 payment again payment-succeeded", "r2"
        )
        runs = of(waterfall_of([*PLACED, *first, *second]), "payment")
        assert [(run.attempt, run.duplicate) for run in runs] == [(1, False), (1, True)]

    def test_hops_of_the_delivery_log_are_runs_when_its_records_are_missing(self) -> None:
        hops = journey("""
            0 order-api published order-created
            5 payment consumed order-created
            9 payment killed payment-succeeded
            12 order-tracker dropped order-created
        """)
        waterfall = waterfall_of(hops)
        results = {run.function: run.result for run in waterfall.runs}
        assert results["payment"] is Result.KILLED
        assert results[TRACKER] is Result.DROPPED

    def test_nothing_logged_is_an_error(self) -> None:
        with pytest.raises(WorkshopError, match=r"^No function has logged anything"):
            waterfall_of([])


class TestWithDeliveryRecords:
    def test_time_before_a_run_is_queueing_and_its_cold_start(self) -> None:
        hops = logged("62 payment consumed order-created\n70 payment published payment-succeeded")
        done = record(80, Outcome.DELIVERED, took=70, cold=50, accepted=3, attempt=1)
        (run,) = of(waterfall_of([*PLACED, *hops], [done], KEYS), "payment")
        assert bars(run) == [
            (Kind.QUEUE, 3, 10),
            (Kind.COLD_START, 10, 60),
            (Kind.RUN, 60, 80),
        ]
        assert (run.published, run.cold, run.event_id) == ("payment-succeeded", True, "e1")
        assert run.sent == pytest.approx(0.07)

    def test_injected_delay_is_apart_from_queueing(self) -> None:
        note = record(1, Outcome.DELAYED, accepted=1, due=501, delay_milliseconds=500)
        done = record(
            520, Outcome.DELIVERED, took=10, accepted=1, attempt=1, delay_milliseconds=500
        )
        (run,) = waterfall_of([], [note, done], KEYS).runs
        assert [(kind, end - start) for kind, start, end in bars(run)] == [
            (Kind.DELAY, 500),
            (Kind.QUEUE, 9),
            (Kind.RUN, 10),
        ]

    def test_wait_ends_when_the_retry_is_due_and_the_rest_is_queueing(self) -> None:
        failed = record(10, Outcome.FAILED, took=5, accepted=4, due=1010, attempt=1)
        done = record(1100, Outcome.DELIVERED, took=60, accepted=4, attempt=2)
        first, second = waterfall_of(PLACED, [failed, done], KEYS).runs[1:]
        assert bars(first) == [(Kind.QUEUE, 4, 5), (Kind.RUN, 5, 10)]
        assert bars(second) == [
            (Kind.WAIT, 10, 1010),
            (Kind.QUEUE, 1010, 1040),
            (Kind.RUN, 1040, 1100),
        ]

    def test_attempts_at_a_buffered_message_are_one_row_of_waits(self) -> None:
        dead = "arn:aws:sqs:us-east-1:000000000000:live-payment-unprocessed"
        of_message = {"message_id": "m1"}
        records = [
            record(510, Outcome.FAILED, took=5, accepted=4, due=1010, attempt=1, **of_message),
            record(
                *(1100, Outcome.FAILED),
                took=60,
                accepted=1010,
                attempt=2,
                request="r2",
                due=1500,
                **of_message,
            ),
            record(
                *(1600, Outcome.DEAD_LETTERED),
                request="",
                attempt=2,
                queue=dead,
                **of_message,
            ),
        ]
        first, second = waterfall_of(PLACED, records, KEYS).runs[1:]
        assert bars(first) == [(Kind.QUEUE, 4, 505), (Kind.RUN, 505, 510)]
        assert bars(second)[:2] == [(Kind.WAIT, 510, 1010), (Kind.QUEUE, 1010, 1040)]
        assert (second.kept, second.queue) == (Result.DEAD_LETTERED, "live-payment-unprocessed")
        assert not second.duplicate  # another invocation, but the same message

    def test_copy_of_a_buffered_message_is_a_duplicate(self) -> None:
        records = [
            record(10, Outcome.DELIVERED, took=5, attempt=1, message_id="m1"),
            record(30, Outcome.DELIVERED, took=5, attempt=1, request="r2", message_id="m2"),
        ]
        first, second = waterfall_of(PLACED, records, KEYS).runs[1:]
        assert (first.duplicate, second.duplicate) == (False, True)

    def test_message_waits_while_its_function_runs_the_batch(self) -> None:
        hops = logged(
            "2010 payment consumed order-created\n4020 payment published payment-succeeded"
        )
        of_batch = record(
            *(6000, Outcome.DELIVERED), took=5990, accepted=5, attempt=1, message_id="m3"
        )
        (payment,) = of(waterfall_of([*PLACED, *hops], [of_batch], KEYS), "payment")
        assert bars(payment) == [
            (Kind.QUEUE, 5, 10),
            (Kind.QUEUE, 10, 2010),
            (Kind.RUN, 2010, 4020),
        ]
        assert payment.seconds == pytest.approx(2.01)

    def test_next_try_is_shown_before_it_starts(self) -> None:
        failed = record(10, Outcome.FAILED, took=5, accepted=4, due=1010, attempt=1)
        _, _, waiting = waterfall_of(PLACED, [failed], KEYS).runs
        assert (waiting.result, waiting.attempt) == (Result.WAITING, 2)
        assert bars(waiting) == [(Kind.WAIT, 10, 1010)]

    def test_next_try_that_logged_its_start_is_shown_once(self) -> None:
        hops = logged(
            "6 payment consumed order-created\n9 payment failed Some: thing\n"
            "1012 payment consumed order-created"
        )
        failed = record(10, Outcome.FAILED, took=5, accepted=4, due=1010, attempt=1)
        runs = of(waterfall_of([*PLACED, *hops], [failed], KEYS), "payment")
        assert [(run.attempt, run.result) for run in runs] == [
            (1, Result.FAILED),
            (2, Result.UNFINISHED),
        ]

    def test_killed_run_is_marked_and_its_redelivery_follows(self) -> None:
        hops = logged(
            "6 payment consumed order-created\n1018 payment consumed order-created\n"
            "1024 payment again payment-succeeded"
        )
        records = [
            record(9, Outcome.KILLED, step="payment-succeeded", event=""),
            record(10, Outcome.FAILED, took=5, due=1010, attempt=1, reason="Runtime.ExitError"),
            record(1026, Outcome.DELIVERED, took=10, attempt=2),
        ]
        killed, second = of(waterfall_of([*PLACED, *hops], records, KEYS), "payment")
        assert (killed.result, killed.injected, killed.received) == (
            Result.KILLED,
            True,
            "order-created",
        )
        assert killed.end is not None
        assert (second.attempt, second.again, second.result) == (2, True, Result.DELIVERED)

    def test_killed_synchronous_run_is_shown_without_a_record_of_its_own(self) -> None:
        killed = record(9, Outcome.KILLED, function="api", request="api", event="")
        (run,) = waterfall_of([], [killed], {"api": "order-api"}).runs
        assert (run.function, run.result, run.injected) == ("order-api", Result.KILLED, True)

    def test_dropped_event_is_a_run_that_never_started(self) -> None:
        dropped = record(3, Outcome.DROPPED, accepted=1, reason="injected fault")
        _, run = waterfall_of(PLACED, [dropped], KEYS).runs
        assert (run.result, run.injected, run.attempt, run.seconds) == (
            Result.DROPPED,
            True,
            0,
            0.0,
        )
        assert bars(run) == [(Kind.RUN, 3, 3)]

    def test_dead_lettered_event_is_named_at_its_last_attempt(self) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:live-payment-failed"
        records = [
            record(10, Outcome.FAILED, took=5, attempt=1, reason="Wrong"),
            record(10, Outcome.DEAD_LETTERED, attempt=1, reason="RetriesExhausted", queue=queue),
        ]
        _, run = waterfall_of(PLACED, records, KEYS).runs
        assert (run.result, run.kept) == (Result.FAILED, Result.DEAD_LETTERED)
        assert run.queue == "live-payment-failed"

    def test_run_of_a_redrive_is_no_duplicate(self) -> None:
        """A redrive invokes the function itself: no record is made of it."""
        records = [
            record(10, Outcome.FAILED, took=5, attempt=1, reason="Wrong"),
            record(10, Outcome.DEAD_LETTERED, attempt=1, reason="RetriesExhausted"),
        ]
        report = "{at} payment consumed order-created\n{end} payment {ended}"
        first = logged(report.format(at=900, end=910, ended="failed Wrong: again"), "r2")
        second = logged(report.format(at=950, end=960, ended="published payment-succeeded"), "r3")
        runs = of(waterfall_of([*PLACED, *first, *second], records, KEYS), "payment")
        assert [(run.redriven, run.duplicate) for run in runs] == [
            (False, False),
            (True, False),
            (True, False),
        ]

    def test_event_dead_lettered_by_eventbridge_is_a_run_of_its_own(self) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:live-payment-undelivered"
        dead = record(
            3, Outcome.DEAD_LETTERED, request="", attempt=1, reason="NO_PERMISSIONS", queue=queue
        )
        _, run = waterfall_of(PLACED, [dead], KEYS).runs
        assert (run.result, run.error) == (Result.DEAD_LETTERED, "NO_PERMISSIONS")

    def test_refused_attempts_come_before_the_one_that_lambda_accepts(self) -> None:
        records = [
            record(2, Outcome.REFUSED, request="", due=1002, attempt=1),
            record(1003, Outcome.REFUSED, request="", due=3003, attempt=2),
            record(3020, Outcome.DELIVERED, took=15, accepted=3004, attempt=1),
        ]
        runs = of(waterfall_of(PLACED, records, KEYS), "payment")
        assert [run.result for run in runs] == [Result.REFUSED, Result.REFUSED, Result.DELIVERED]
        assert bars(runs[1])[0] == (Kind.WAIT, 2, 1002)
        assert bars(runs[2]) == [
            (Kind.WAIT, 1003, 3003),
            (Kind.QUEUE, 3003, 3005),
            (Kind.RUN, 3005, 3020),
        ]

    def test_duplicate_is_the_second_invocation_of_an_event(self) -> None:
        records = [
            record(1, Outcome.DUPLICATED, accepted=1),
            record(10, Outcome.DELIVERED, took=5, accepted=1, attempt=1),
            record(20, Outcome.DELIVERED, took=5, accepted=1, attempt=1, request="r2"),
        ]
        _, first, second = waterfall_of(PLACED, records, KEYS).runs
        assert (first.duplicate, second.duplicate) == (False, True)

    def test_run_that_is_not_logged_yet_is_shown_from_its_record(self) -> None:
        done = record(10, Outcome.DELIVERED, took=5, accepted=2, attempt=1)
        waterfall = waterfall_of(PLACED, [done], KEYS)
        assert caused(waterfall) == [("order-api", "order-created", "payment")]

    def test_records_of_an_earlier_version_are_shown(self) -> None:
        """They have no invocation and no start."""
        hops = [replace(hop, request_id="") for hop in RETRIED]
        origin = Origin("e1", "ord_1/order-created")
        records = [
            Delivery("payment", outcome, origin, attempt, "x", "", took, moment(at))
            for outcome, attempt, took, at in (
                (Outcome.FAILED, 1, 9.0, 12),
                (Outcome.FAILED, 2, 8.0, 1029),
                (Outcome.DELIVERED, 3, 10.0, 3045),
            )
        ]
        runs = of(waterfall_of(hops, records), "payment")
        assert [(run.attempt, run.result) for run in runs] == [
            (1, Result.FAILED),
            (2, Result.FAILED),
            (3, Result.DELIVERED),
        ]
        assert runs[-1].published == "payment-succeeded"


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Hop], list[Delivery]]:
    """Any run of functions through their attempts, with or without a log line for each."""
    # An event may be accepted before the log says that it was sent: times are rounded.
    hops, records = logged("1 order-api published order-created", "api"), []
    for number in range(draw(st.integers(1, 4))):
        function = draw(st.sampled_from(["payment", "inventory", "shipping"]))
        step = flow().functions[function].consumes[0]
        request, at = f"r{number}", draw(st.integers(0, 50))
        accepted = at
        attempts = draw(st.integers(1, 3))
        for attempt in range(1, attempts + 1):
            start = at + draw(st.sampled_from([0, 1, 40]))
            took = draw(st.sampled_from([0, 1, 60]))
            last = attempt == attempts
            failed = not last or draw(st.booleans())
            if draw(st.booleans()):
                hops += logged(f"{start} {function} consumed {step}", request)
                line = (
                    "failed Wrong: it"
                    if failed
                    else f"published {flow().functions[function].publishes[0]}"
                )
                hops += logged(f"{start + took} {function} {line}", request)
            wait = draw(st.sampled_from([0, 1, 2000]))
            done = record(
                start + took,
                Outcome.FAILED if failed else Outcome.DELIVERED,
                function=f"live-{function}",
                step=step,
                request=request,
                event=f"e{number}",
                took=took,
                cold=draw(st.integers(0, took)),
                accepted=accepted,
                due=None if last else start + took + wait,
                attempt=attempt,
            )
            rest = draw(st.sampled_from([0.0, 0.9]))  # of a millisecond
            records.append(replace(done, milliseconds=took + rest))
            at = start + took + wait
    return draw(st.permutations(hops)), draw(st.permutations(records))


def assert_sound(waterfall: Waterfall) -> None:
    """Assert what is true of every waterfall."""
    runs = waterfall.runs
    for run in runs:
        assert_in_order(run.bars)
        assert 0 <= run.arrived <= run.start
        assert run.end is None or run.start <= run.end <= waterfall.end
    by_invocation: dict[tuple[str, str], list[Bar]] = {}
    for run in sorted(runs, key=lambda run: run.arrived):
        if run.request_id:
            by_invocation.setdefault((run.function, run.request_id), []).extend(run.bars)
    for found in by_invocation.values():
        assert_in_order(found)
    for arrow in waterfall.arrows:
        source, target = runs[arrow.source], runs[arrow.target]
        assert source.published == target.received == arrow.step
        assert source.arrived - CLOCK_STEP <= arrow.start <= arrow.end
        assert arrow.end == target.arrived
        assert arrow.start == min(source.sent or 0.0, target.arrived)


def assert_in_order(found: Sequence[Bar]) -> None:
    assert all(bar.start <= bar.end for bar in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize("hops", JOURNEYS.values(), ids=JOURNEYS)
def test_recorded_waterfall_is_sound(hops: Iterable[Hop]) -> None:
    assert_sound(waterfall_of(hops))


@settings(deadline=None)
@given(journeys())
def test_waterfall_of_any_attempts_is_sound(found: tuple[list[Hop], list[Delivery]]) -> None:
    """In any order of reading, bars do not overlap and arrows go from a run to a run."""
    hops, records = found
    functions = {f"live-{key}": key for key in flow().functions}
    waterfall = waterfall_of(hops, records, functions)
    assert_sound(waterfall)
    attempts = [run for run in waterfall.runs if run.result is not Result.WAITING]
    assert len(attempts) == len(records) + 1


def test_first_moment_is_the_start_of_the_axis() -> None:
    waterfall = waterfall_of(NORMAL)
    assert waterfall.began == datetime.fromisoformat(moment(0))
    assert min(run.arrived for run in waterfall.runs) == 0.0
    assert waterfall.end == pytest.approx(0.063)
