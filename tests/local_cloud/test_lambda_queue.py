"""Lambda's asynchronous queue, in AWS's own time, without a cloud."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local_cloud.delivery.emulator_port import Ending, Execution, Function
from local_cloud.delivery.fault_injection import Duplicate, Plan
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
    assert sum(waits) == 60
    record = record_of(fake)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["responseContext"]["statusCode"] == 429


def test_the_default_age_is_six_hours() -> None:
    _, waits, _ = invoke(CHARGE, *[THROTTLED] * 999)
    assert sum(waits) == 6 * 60 * 60


def test_a_service_error_is_treated_as_a_throttle() -> None:
    fake, waits, _ = invoke(replace(CHARGE, event_age=3), *[Execution(Ending.SERVICE_ERROR)] * 9)
    assert waits == [1, 2]
    assert record_of(fake)["responseContext"]["statusCode"] == 500


def test_the_time_a_function_runs_counts_as_age() -> None:
    fake, waits, _ = invoke(replace(CHARGE, event_age=100), replace(RAISED, seconds=50), RAISED)
    assert waits == [50]
    assert record_of(fake)["requestContext"]["condition"] == "EventAgeExceeded"


def test_an_error_is_told_rather_than_the_throttles_after_it() -> None:
    fake, _, _ = invoke(replace(CHARGE, event_age=70), RAISED, *[THROTTLED] * 9)
    assert record_of(fake)["responsePayload"] == RAISED.payload


def test_no_reserved_concurrency_means_no_attempt() -> None:
    fake, _, outcomes = invoke(replace(CHARGE, reserved=0))
    assert fake.request_ids == []
    assert outcomes == ["dead-lettered"]
    record = record_of(fake)
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert (record["responseContext"], record["responsePayload"]) == (None, None)


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
    assert fake.counted == ["AsyncEventsDropped"]


def test_a_closed_destination_drops_the_record_and_is_counted() -> None:
    fake, _, outcomes = invoke(replace(CHARGE, retries=0), RAISED, deny={"failed"})
    assert outcomes == ["failed", "dropped"]
    assert fake.counted == ["DestinationDeliveryFailures", "AsyncEventsDropped"]


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
