"""A queue as a function's event source, in AWS's own time, without a cloud."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.emulator_port import (
    Ending,
    EventSource,
    Execution,
    Function,
    QueuedMessage,
)
from local_cloud.delivery.fault_injection import Duplicate, Hold, Plan, Share
from local_cloud.delivery.wiring import Parts
from tests.local_cloud.fake_cloud import (
    ARN,
    RAISED,
    THROTTLED,
    FakeCloud,
    InstantQueue,
    parts_around,
)

QUEUE = "arn:aws:sqs:us-east-1:000000000000:buffer"
SHIP = Function(ARN, "ship")
SOURCE = EventSource("one", QUEUE, ARN, concurrency=2, reports_failures=True)


def message(number: int, received: int = 1) -> QueuedMessage:
    """Return a message with an event of order `number`."""
    metadata = {"event_id": f"o{number}/paid", "correlation_id": f"o{number}"}
    body = json.dumps({"detail-type": "Paid", "detail": {"metadata": metadata}})
    identifier = f"m{number}"
    return QueuedMessage(identifier, f"r{number}", body, received, record={"messageId": identifier})


def reported(*identifiers: Any) -> Execution:
    """Return the execution of a function that reports these messages as failed."""
    items = [{"itemIdentifier": each} for each in identifiers]
    return Execution(Ending.RETURNED, {"batchItemFailures": items}, seconds=10)


def polled(
    *endings: Execution,
    messages: int = 3,
    source: EventSource = SOURCE,
    function: Function = SHIP,
    **cloud: Any,
) -> tuple[FakeCloud, Parts, InstantQueue]:
    """Poll a queue with messages once, and run what this starts."""
    fake = FakeCloud({ARN: function}, endings, sources=[source], **cloud)
    fake.queued = [message(number) for number in range(messages)]
    parts, queue = parts_around(fake)
    parts.sources.poll()
    queue.run()
    return fake, parts, queue


def outcomes(parts: Parts) -> dict[str, str]:
    """Return the latest outcome of each order."""
    return {each.origin.correlation_id: str(each.outcome) for each in parts.journal.records()}


def test_a_batch_of_a_function_that_returns_is_deleted() -> None:
    fake, parts, _ = polled()
    assert fake.batches == [["m0", "m1", "m2"]]
    assert fake.deleted == ["m0", "m1", "m2"]
    assert outcomes(parts) == {"o0": "delivered", "o1": "delivered", "o2": "delivered"}
    assert parts.sources.buffered == 0


def test_only_reported_messages_return_to_the_queue() -> None:
    fake, parts, _ = polled(reported("m1"))
    assert fake.deleted == ["m0", "m2"]
    assert fake.hidden[1:] == [(["m1"], 140.0)]  # what is left of the visibility timeout
    assert outcomes(parts) == {"o0": "delivered", "o1": "failed", "o2": "delivered"}
    assert parts.sources.buffered


@pytest.mark.parametrize(
    "response",
    [
        "no JSON",
        ["m1"],
        {"batchItemFailures": "m1"},
        {"batchItemFailures": ["m1"]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"messageId": "m1"}]},
        {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "unknown"}]},
    ],
)
def test_an_invalid_response_fails_the_whole_batch(response: Any) -> None:
    fake, _, _ = polled(Execution(Ending.RETURNED, response))
    assert fake.deleted == []
    assert fake.hidden[1:] == [(["m0", "m1", "m2"], 150.0)]


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_an_empty_response_is_a_success(response: Any) -> None:
    fake, _, _ = polled(Execution(Ending.RETURNED, response))
    assert fake.deleted == ["m0", "m1", "m2"]


def test_a_response_does_not_count_without_partial_batches() -> None:
    fake, _, _ = polled(reported("m1"), source=replace(SOURCE, reports_failures=False))
    assert fake.deleted == ["m0", "m1", "m2"]


def test_an_error_of_the_handler_returns_the_whole_batch() -> None:
    fake, parts, queue = polled(RAISED)
    assert (fake.deleted, fake.hidden[1:]) == ([], [(["m0", "m1", "m2"], 150.0)])
    failed = parts.journal.records()[0]
    assert (failed.reason, failed.attempt, bool(failed.next_try)) == ("ValueError", 1, True)
    parts.sources.poll()
    queue.run()
    assert [each.attempt for each in parts.journal.records()[3:]] == [2, 2, 2]
    assert len(set(fake.request_ids)) == 2  # a message that returns is in a new invocation


def test_a_throttled_batch_is_retried_within_the_visibility_timeout() -> None:
    fake, parts, queue = polled(*[THROTTLED] * 99)
    assert queue.waits == [0, 1, 2, 4, 8, 16, 32, 64]  # and 128 would be too much
    assert fake.hidden[1:] == [(["m0", "m1", "m2"], 150 - 127)]
    assert len(fake.request_ids) == 8
    assert set(outcomes(parts).values()) == {"throttled"}


def test_a_throttle_that_passes_receives_nothing_again() -> None:
    fake, _, _ = polled(THROTTLED)
    assert (fake.deleted, fake.hidden[1:]) == (["m0", "m1", "m2"], [])


@pytest.mark.parametrize(("reserved", "most"), [(None, 2), (1, 1), (0, 1), (9, 2)])
def test_batches_run_at_once_up_to_the_limits(reserved: int | None, most: int) -> None:
    fake = FakeCloud(
        {ARN: replace(SHIP, reserved=reserved)}, sources=[replace(SOURCE, batch_size=1)]
    )
    fake.queued = [message(number) for number in range(5)]
    parts, _ = parts_around(fake)
    for _ in range(5):
        parts.sources.poll()
    assert parts.sources.in_flight == most
    assert len(fake.queued) == 5 - most


def test_a_fifo_queue_has_one_batch_at_a_time() -> None:
    fifo = replace(SOURCE, queue_arn=f"{QUEUE}.fifo", batch_size=1)
    fake = FakeCloud({ARN: SHIP}, sources=[fifo], queued=[message(1), message(2)])
    parts, _ = parts_around(fake)
    assert [parts.sources.poll(), parts.sources.poll()] == [True, False]


def test_a_batch_window_waits_for_a_full_batch_or_its_end() -> None:
    windowed = replace(SOURCE, window=20, batch_size=12)
    assert polled(source=windowed, messages=11, oldest=19)[0].batches == []
    assert len(polled(source=windowed, messages=11, oldest=20)[0].batches[0]) == 11
    assert len(polled(source=windowed, messages=13)[0].batches[0]) == 12


def test_a_role_without_permission_receives_nothing(caplog: pytest.LogCaptureFixture) -> None:
    fake, parts, _ = polled(deny={QUEUE})
    parts.sources.poll()
    assert (fake.batches, len(fake.queued)) == ([], 3)
    assert caplog.text.count("closed") == 1


def test_a_function_that_is_gone_leaves_its_messages() -> None:
    fake = FakeCloud({}, sources=[SOURCE], queued=[message(1)])
    parts, _ = parts_around(fake)
    assert not parts.sources.poll()
    assert parts.sources.buffered == 0  # nothing will happen


def test_a_stopping_cloud_receives_nothing() -> None:
    fake = FakeCloud({ARN: SHIP}, sources=[SOURCE], queued=[message(1)])
    parts, queue = parts_around(fake)
    queue.closed = True
    assert not parts.sources.poll()
    assert len(fake.queued) == 1


def test_messages_of_an_earlier_process_return_after_a_scaled_timeout() -> None:
    fake, parts, _ = polled(messages=0)
    parts.sources.poll()
    assert fake.hidden == [([], 150.0)]  # once, by the first poll


def test_a_dead_letter_is_recorded_with_its_order() -> None:
    _, parts, _ = polled(messages=0)
    parts.sources.dead_lettered(QUEUE, "dead", [message(7, received=5)])
    [record] = parts.journal.records()
    assert (record.function, str(record.outcome), record.queue) == ("ship", "dead-lettered", "dead")
    assert (record.origin.correlation_id, record.attempt, record.reason) == (
        "o7",
        5,
        "MaxReceiveCount",
    )


def test_a_body_that_is_no_event_is_delivered_as_it_is() -> None:
    fake = FakeCloud({ARN: SHIP}, sources=[SOURCE])
    fake.queued = [QueuedMessage("m", "r", "{", 1, record={"messageId": "m"})]
    parts, queue = parts_around(fake)
    parts.sources.poll()
    queue.run()
    assert fake.deleted == ["m"]
    assert parts.journal.records()[0].origin == Origin()


def test_injected_duplicates_and_delays_apply_once_per_message() -> None:
    fake = FakeCloud({ARN: SHIP}, sources=[SOURCE])
    fake.queued = [message(1)]
    parts, queue = parts_around(fake)
    parts.switch.set(Plan(duplicate=Duplicate(1.0), delay=Hold(1.0, seconds=9)))
    for _ in range(4):
        parts.sources.poll()
        queue.run()
    assert sorted(fake.deleted) == ["m1", "m1-again"]
    assert len([each for each in fake.hidden if each[0] == ["m1"]]) == 1


def test_a_queue_loses_no_message_to_fault_injection() -> None:
    fake = FakeCloud({ARN: SHIP}, sources=[SOURCE], queued=[message(1)])
    parts, queue = parts_around(fake)
    parts.switch.set(Plan(drop=Share(1.0)))
    parts.sources.poll()
    queue.run()
    assert fake.deleted == ["m1"]


def test_messages_return_if_the_local_cloud_fails(caplog: pytest.LogCaptureFixture) -> None:
    fake, parts, _ = polled(RuntimeError("bug"))  # type: ignore[arg-type]
    assert fake.hidden[1:] == [(["m0", "m1", "m2"], 150.0)]
    assert parts.sources.in_flight == 0
    assert "the local cloud failed" in caplog.text
