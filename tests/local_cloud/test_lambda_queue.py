"""Lambda's asynchronous queue, in AWS's own time, without a cloud."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from local_cloud.delivery.delivery_log import Delivery
from local_cloud.delivery.emulator_port import Ending, Execution, Function
from local_cloud.delivery.fault_injection import Duplicate, Hold, Plan, Share
from tests.local_cloud.fake_cloud import (
    ARN,
    RAISED,
    RETURNED,
    THROTTLED,
    FakeCloud,
    OvertakingQueue,
    parts_around,
)

CHARGE = Function(ARN, "charge", on_failure="failed")


def invoke(function: Function, *endings: Execution, **cloud: Any) -> tuple[FakeCloud, Any, Any]:
    """Send one event; returns the cloud, the waits in AWS seconds, and the outcomes."""
    fake = FakeCloud({ARN: function}, endings, **cloud)
    parts, queue = parts_around(fake)
    parts.invoker.submit(function, {"detail-type": "OrderCreated"})
    queue.run()
    return fake, queue.waits[1:], [str(record.outcome) for record in parts.journal.records()]


def record_of(fake: FakeCloud) -> dict[str, Any]:
    [(_, body, _)] = fake.sent
    record: dict[str, Any] = json.loads(body)
    return record


def test_success_is_one_attempt() -> None:
    fake, waits, outcomes = invoke(CHARGE, RETURNED)
    assert (fake.sent, waits, outcomes) == ([], [], ["delivered"])


def test_a_handlers_error_waits_one_and_then_two_minutes() -> None:
    fake, waits, outcomes = invoke(CHARGE, RAISED, RAISED, RAISED)
    assert waits == [60, 120]
    assert outcomes == ["failed"] * 3 + ["dead-lettered"]
    assert record_of(fake)["requestContext"]["condition"] == "RetriesExhausted"
    assert len(set(fake.request_ids)) == 1


def test_an_error_that_passes_is_delivered() -> None:
    _, waits, outcomes = invoke(CHARGE, RAISED, RETURNED)
    assert (waits, outcomes) == ([60], ["failed", "delivered"])


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_function_says_how_often(retries: int) -> None:
    fake, waits, _ = invoke(replace(CHARGE, retries=retries), *[RAISED] * 3)
    assert len(waits) == retries
    assert record_of(fake)["requestContext"]["approximateInvokeCount"] == retries + 1


def test_throttles_back_off_exponentially_up_to_five_minutes() -> None:
    _, waits, outcomes = invoke(CHARGE, *[THROTTLED] * 12)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert outcomes == ["throttled"] * 12 + ["delivered"]


def test_throttles_use_up_no_retries_but_the_events_age() -> None:
    fake, waits, _ = invoke(replace(CHARGE, event_age=60), *[THROTTLED] * 99)
    assert waits == [1, 2, 4, 8, 16]  # and 32 would be too much
    record = record_of(fake)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["responseContext"]["statusCode"] == 429


def test_the_default_age_is_six_hours() -> None:
    _, waits, _ = invoke(CHARGE, *[THROTTLED] * 999)
    assert 6 * 60 * 60 - 300 <= sum(waits) < 6 * 60 * 60


def test_a_service_error_is_treated_as_a_throttle() -> None:
    fake, waits, _ = invoke(replace(CHARGE, event_age=3), *[Execution(Ending.SERVICE_ERROR)] * 9)
    assert waits == [1]
    assert record_of(fake)["responseContext"]["statusCode"] == 500


def test_the_time_a_function_runs_counts_as_age() -> None:
    fake, waits, _ = invoke(replace(CHARGE, event_age=100), replace(RAISED, seconds=50), RAISED)
    assert waits == []
    assert record_of(fake)["requestContext"]["condition"] == "EventAgeExceeded"


def test_failure_record_has_the_error_not_the_throttles_after_it() -> None:
    fake, _, _ = invoke(replace(CHARGE, event_age=70), RAISED, *[THROTTLED] * 9)
    assert record_of(fake)["responsePayload"] == RAISED.payload


def test_no_reserved_concurrency_means_no_attempt() -> None:
    fake, _, outcomes = invoke(replace(CHARGE, reserved=0))
    assert fake.request_ids == []
    assert outcomes == ["dead-lettered"]
    record = record_of(fake)
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert set(record) == {"version", "timestamp", "requestContext", "requestPayload"}


@pytest.mark.parametrize(("age", "tries"), [(60, 1), (61, 2), (180, 2), (181, 3)])
def test_an_event_too_old_for_its_next_try_is_given_up_at_once(age: int, tries: int) -> None:
    """LocalStack, recorded on AWS: test_maxeventage."""
    fake, waits, _ = invoke(replace(CHARGE, event_age=age), *[RAISED] * 3)
    context = record_of(fake)["requestContext"]
    assert waits == [60, 120][: tries - 1]
    condition = "RetriesExhausted" if tries == 3 else "EventAgeExceeded"
    assert (context["condition"], context["approximateInvokeCount"]) == (condition, tries)


def test_a_function_that_is_gone_drops_its_events() -> None:
    fake = FakeCloud()
    parts, queue = parts_around(fake)
    parts.invoker.submit(CHARGE, {})
    queue.run()
    [record] = parts.journal.records()
    assert (record.function, record.outcome) == ("charge", "dropped")


def test_without_a_queue_a_failed_event_is_dropped_and_counted() -> None:
    fake, _, outcomes = invoke(replace(CHARGE, on_failure="", retries=0), RAISED)
    assert outcomes == ["failed", "dropped"]
    assert fake.counted == ["AsyncEventsReceived", "AsyncEventsDropped"]


def test_a_closed_destination_drops_the_record_and_is_counted() -> None:
    fake, _, outcomes = invoke(replace(CHARGE, retries=0), RAISED, deny={"failed"})
    assert outcomes == ["failed", "dropped"]
    assert fake.counted == [
        "AsyncEventsReceived",
        "DestinationDeliveryFailures",
        "AsyncEventsDropped",
    ]


SUCCEEDED = replace(CHARGE, on_success="succeeded")
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
OTHER = "arn:aws:lambda:us-east-1:000000000000:function:other"


def test_a_delivered_event_leaves_its_record_at_the_success_destination() -> None:
    fake, _, outcomes = invoke(SUCCEEDED, RETURNED)
    assert outcomes == ["delivered"]
    assert [target for target, _, _ in fake.sent] == ["succeeded"]
    record = record_of(fake)
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == RETURNED.payload


def test_a_failed_event_leaves_nothing_at_the_success_destination() -> None:
    fake, _, _ = invoke(replace(SUCCEEDED, retries=0), RAISED)
    assert [target for target, _, _ in fake.sent] == ["failed"]


def test_a_closed_success_destination_is_counted_and_nothing_is_repeated() -> None:
    fake, _, outcomes = invoke(SUCCEEDED, RETURNED, deny={"succeeded"})
    assert outcomes == ["delivered"]
    assert fake.counted == ["AsyncEventsReceived", "DestinationDeliveryFailures"]


@pytest.mark.parametrize(("ending", "word"), [(RETURNED, "Success"), (RAISED, "Failure")])
def test_a_record_for_a_bus_is_an_event_of_source_lambda(ending: Execution, word: str) -> None:
    fake, _, _ = invoke(replace(CHARGE, retries=0, on_success=BUS, on_failure=BUS), ending)
    entry = record_of(fake)
    assert (entry["EventBusName"], entry["Source"]) == (BUS, "lambda")
    assert entry["DetailType"] == f"Lambda Function Invocation Result - {word}"
    assert entry["Resources"] == [BUS, f"{ARN}:$LATEST"]
    assert json.loads(entry["Detail"])["requestPayload"] == {"detail-type": "OrderCreated"}


@pytest.mark.parametrize("deny", [set(), {OTHER}])
def test_a_function_as_destination_gets_the_record_if_the_role_may(deny: set[str]) -> None:
    charge = replace(CHARGE, retries=0, on_failure=OTHER)
    fake = FakeCloud({ARN: charge, OTHER: Function(OTHER, "other")}, [RAISED], deny=deny)
    parts, queue = parts_around(fake)
    parts.invoker.submit(charge, {})
    queue.run()
    outcomes = [(each.function, str(each.outcome)) for each in parts.journal.records()]
    delivered = [("charge", "dead-lettered"), ("other", "delivered")]
    assert outcomes == [("charge", "failed"), *([("charge", "dropped")] if deny else delivered)]


def test_both_ways_of_keeping_failed_events_are_used() -> None:
    fake, _, _ = invoke(replace(CHARGE, retries=0, dead_letter="dead"), RAISED)
    assert [queue for queue, _, _ in fake.sent] == ["failed", "dead"]
    (_, _, none), (_, event, attributes) = fake.sent
    assert none == {}
    assert json.loads(event) == {"detail-type": "OrderCreated"}
    assert set(attributes) == {"RequestID", "ErrorCode", "ErrorMessage"}


def test_copies_are_invocations_of_their_own() -> None:
    fake = FakeCloud({ARN: CHARGE}, [RAISED])
    parts, queue = parts_around(fake)
    parts.switch.set(Plan(duplicate=Duplicate(1, copies=3)))
    parts.invoker.submit(CHARGE, {"id": "1"})
    queue.run()
    assert len(fake.request_ids) == 4
    assert len(set(fake.request_ids)) == 3


def test_a_retry_may_begin_before_the_attempt_before_it_has_ended() -> None:
    """On another thread, at once, as when nothing waits: it runs like any other."""
    fake = FakeCloud({ARN: CHARGE}, [RAISED, THROTTLED])
    parts, queue = parts_around(fake, OvertakingQueue())
    parts.invoker.submit(CHARGE, {})
    outcomes = [str(record.outcome) for record in parts.journal.records()]
    assert outcomes == ["failed", "throttled", "delivered"]
    assert len(queue.waits) == 3


def test_a_fault_of_the_local_cloud_is_a_recorded_drop(caplog: pytest.LogCaptureFixture) -> None:
    """An event never vanishes: the journal has its end, the log has the reason."""
    fake = FakeCloud({ARN: CHARGE}, [KeyError("FunctionArn")])
    parts, queue = parts_around(fake)
    parts.invoker.submit(CHARGE, {"id": "1"})
    queue.run()
    [record] = parts.journal.records()
    assert (record.outcome, record.reason) == ("dropped", "internal error")
    assert (record.function, record.origin.event_id) == ("charge", "1")
    assert "KeyError: 'FunctionArn'" in caplog.text


def test_an_events_age_is_measured_before_each_try() -> None:
    """In milliseconds of AWS, where the second try comes after a minute, the third after two."""
    fake, _, _ = invoke(CHARGE, RAISED, RAISED)
    age = "AsyncEventAge"
    assert fake.measured == [(age, 0.0), (age, 60_000.0), (age, 180_000.0)]


def records_of(*endings: Execution, plan: Plan | None = None, retries: int = 2) -> list[Delivery]:
    """The delivery log after one event."""
    charge = replace(CHARGE, retries=retries)
    parts, queue = parts_around(FakeCloud({ARN: charge}, endings))
    parts.switch.set(plan)
    parts.invoker.submit(charge, {"id": "1"})
    queue.run()
    return parts.journal.records()


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def test_record_has_its_invocation_and_when_it_started() -> None:
    failed, delivered = records_of(RAISED, RETURNED)
    assert failed.request_id == delivered.request_id != ""
    assert failed.accepted == delivered.accepted
    assert failed.accepted <= failed.started <= failed.time <= delivered.started


def test_record_says_when_the_next_try_is_due() -> None:
    """A minute after the first failure, two after the second; none after the last one."""
    first, second, last, dead = records_of(RAISED, RAISED, RAISED)
    assert seconds_between(first.time, first.next_try) == pytest.approx(60, abs=1)
    assert seconds_between(second.time, second.next_try) == pytest.approx(120, abs=1)
    assert (last.next_try, dead.next_try) == ("", "")


def test_throttle_says_when_the_next_try_is_due() -> None:
    throttled, _ = records_of(THROTTLED)
    assert seconds_between(throttled.time, throttled.next_try) == pytest.approx(1, abs=0.9)


def test_record_has_the_cold_start_apart() -> None:
    cold, warm = records_of(replace(RAISED, seconds=0.5, start_seconds=0.3), RETURNED)
    assert (cold.milliseconds, cold.cold_start_milliseconds) == (500.0, 300.0)
    assert warm.cold_start_milliseconds == 0.0


def test_record_has_the_length_of_an_injected_delay() -> None:
    delayed, delivered = records_of(plan=Plan(delay=Hold(1, 60)))
    assert (delayed.outcome, delivered.outcome) == ("delayed", "delivered")
    assert 0 < delayed.delay_milliseconds == delivered.delay_milliseconds
    due = seconds_between(delayed.accepted, delayed.next_try)
    assert due == pytest.approx(delayed.delay_milliseconds / 1000, abs=1)


def test_duplicates_share_the_moment_of_acceptance_not_the_id() -> None:
    note, first, copy = records_of(plan=Plan(duplicate=Duplicate(1)))
    assert note.request_id == first.request_id != copy.request_id
    assert first.accepted == copy.accepted


def test_dropped_event_has_an_invocation_without_an_attempt() -> None:
    [dropped] = records_of(plan=Plan(drop=Share(1)))
    assert (dropped.attempt, dropped.started, dropped.next_try) == (0, "", "")
    assert dropped.request_id


def test_stored_record_without_the_new_fields_is_read() -> None:
    """A stack that was stored by an earlier version is started again."""
    old = {"function", "outcome", "origin", "attempt", "reason", "queue", "milliseconds", "time"}
    [record] = records_of(RETURNED)
    data = {name: value for name, value in record.to_json().items() if name in old}
    read = Delivery.from_json(data)
    assert (read.function, read.time) == (record.function, record.time)
    assert (read.request_id, read.started, read.cold_start_milliseconds) == ("", "", 0.0)
