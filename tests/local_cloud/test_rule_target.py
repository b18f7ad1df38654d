"""EventBridge's half of a delivery, without a cloud."""

from typing import Any

import pytest

from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.emulator_port import Function
from local_cloud.delivery.fault_injection import Plan, Share
from local_cloud.delivery.rule_target import TargetDelivery
from tests.local_cloud.fake_cloud import (
    ARN,
    RULE_ARN,
    FakeCloud,
    InstantQueue,
    OvertakingQueue,
    parts_around,
)

CHARGE = Function(ARN, "charge")


def deliver(
    fake: FakeCloud,
    *,
    refused: bool = False,
    queue: InstantQueue | None = None,
    **delivery: Any,
) -> tuple[Any, list[str]]:
    parts, queue = parts_around(fake, queue)
    parts.switch.set(Plan(refuse=Share(1)) if refused else None)
    origin = Origin(event_id="1", detail_type="OrderCreated", rule="paid")
    target = delivery.pop("target", ARN)
    parts.targets.deliver(
        TargetDelivery(RULE_ARN, "paid", target, {"a": 1}, "raw", origin, **delivery)
    )
    queue.run()
    return queue.waits, [str(record.outcome) for record in parts.journal.records()]


def attributes(fake: FakeCloud) -> dict[str, str]:
    [(_, body, found)] = fake.sent
    assert body == "raw"
    return {name: value["StringValue"] for name, value in found.items()}


def test_an_accepted_event_is_lambdas_affair() -> None:
    _, outcomes = deliver(FakeCloud({ARN: CHARGE}), dead_letter="dead")
    assert outcomes == ["delivered"]


@pytest.mark.parametrize(
    ("fake", "code"),
    [
        (FakeCloud(), "NO_RESOURCE"),
        (FakeCloud({ARN: CHARGE}, events_may_invoke_=False), "NO_PERMISSIONS"),
    ],
)
def test_permanent_error_is_not_retried(fake: FakeCloud, code: str) -> None:
    waits, outcomes = deliver(fake, dead_letter="dead")
    assert (waits, outcomes) == ([], ["dead-lettered"])
    found = attributes(fake)
    assert set(found) == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE"}
    assert (found["RULE_ARN"], found["TARGET_ARN"], found["ERROR_CODE"]) == (RULE_ARN, ARN, code)
    assert fake.counted == ["Invocations", "FailedInvocations", "InvocationsSentToDlq"]


QUEUE = "arn:aws:sqs:us-east-1:000000000000:parcels"


def test_a_queue_gets_the_text_of_an_event() -> None:
    fake = FakeCloud()
    _, outcomes = deliver(fake, target=QUEUE, text='{"a": 1}', dead_letter="dead")
    assert outcomes == ["delivered"]
    assert fake.sent == [(QUEUE, '{"a": 1}', {})]
    assert fake.counted == ["Invocations"]


@pytest.mark.parametrize(
    ("fake", "target", "code"),
    [
        (FakeCloud(deny={QUEUE}), QUEUE, "NO_PERMISSIONS"),
        (FakeCloud(missing={QUEUE}), QUEUE, "NO_RESOURCE"),
        (FakeCloud(), QUEUE.replace("us-east-1", "eu-west-1"), "NO_RESOURCE"),
        (FakeCloud({ARN: CHARGE}), ARN.replace("us-east-1", "eu-west-1"), "NO_RESOURCE"),
    ],
    ids=["policy", "missing", "queue elsewhere", "function elsewhere"],
)
def test_what_a_target_does_not_take_is_a_dead_letter(
    fake: FakeCloud, target: str, code: str
) -> None:
    _, outcomes = deliver(fake, target=target, dead_letter="dead")
    assert outcomes == ["dead-lettered"]
    assert attributes(fake)["ERROR_CODE"] == code


def test_a_queue_that_is_busy_is_tried_again() -> None:
    fake = FakeCloud()
    waits, outcomes = deliver(fake, target=QUEUE, refused=True, retries=2, dead_letter="dead")
    assert waits == [1.0, 2.0]
    assert outcomes == ["refused", "refused", "refused", "dead-lettered"]
    assert attributes(fake)["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_without_a_queue_the_event_is_dropped_and_counted() -> None:
    fake = FakeCloud()
    _, outcomes = deliver(fake)
    assert outcomes == ["dropped"]
    assert fake.counted == ["Invocations", "FailedInvocations"]


def test_a_queue_that_does_not_take_it_is_as_none() -> None:
    fake = FakeCloud(deny={"dead"})
    _, outcomes = deliver(fake, dead_letter="dead")
    assert outcomes == ["dropped"]
    assert fake.counted == ["Invocations", "FailedInvocations", "InvocationsFailedToBeSentToDlq"]


def test_refusals_are_retried_as_often_as_the_policy_says() -> None:
    fake = FakeCloud({ARN: CHARGE})
    waits, outcomes = deliver(fake, refused=True, dead_letter="dead", retries=4)
    assert waits == [1, 2, 4, 8]
    assert outcomes == ["refused"] * 5 + ["dead-lettered"]
    found = attributes(fake)
    assert found["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert found["RETRY_ATTEMPTS"] == "4"


def test_refusals_are_retried_as_long_as_the_policy_says() -> None:
    fake = FakeCloud({ARN: CHARGE})
    waits, _ = deliver(fake, refused=True, dead_letter="dead", event_age=60.0)
    assert sum(waits) <= 60 < sum(waits) + waits[-1] * 2
    assert attributes(fake)["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


def test_the_defaults_are_185_retries_within_a_day() -> None:
    waits, _ = deliver(FakeCloud({ARN: CHARGE}), refused=True)
    assert len(waits) == 185
    assert sum(waits) < 24 * 60 * 60


def test_a_retry_may_begin_before_the_attempt_before_it_has_ended() -> None:
    """On another thread, at once, as when nothing waits: it runs like any other."""
    fake = FakeCloud({ARN: CHARGE})
    _, outcomes = deliver(fake, refused=True, retries=2, queue=OvertakingQueue())
    assert outcomes == ["refused"] * 3 + ["dropped"]


def test_a_fault_of_the_local_cloud_is_a_recorded_drop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An event never vanishes: the journal has its end, the log has the reason."""
    fake = FakeCloud({ARN: CHARGE})
    monkeypatch.setattr(fake, "events_may_invoke", {}.__getitem__)  # takes one argument only
    parts, _ = parts_around(fake)
    origin = Origin(event_id="1", detail_type="OrderCreated")
    parts.targets.deliver(TargetDelivery(RULE_ARN, "paid", ARN, {}, "raw", origin))
    [record] = parts.journal.records()
    assert (record.outcome, record.reason, record.origin) == ("dropped", "internal error", origin)
    assert "TypeError" in caplog.text


def test_refusal_says_when_eventbridge_tries_again() -> None:
    parts, queue = parts_around(FakeCloud({ARN: CHARGE}))
    parts.switch.set(Plan(refuse=Share(1)))
    origin = Origin(event_id="1", detail_type="OrderCreated")
    parts.targets.deliver(TargetDelivery(RULE_ARN, "paid", ARN, {}, "raw", origin, retries=1))
    queue.run()
    first, last, dropped = parts.journal.records()
    assert first.next_try > first.time
    assert (last.outcome, last.next_try) == ("refused", "")
    assert (dropped.outcome, dropped.next_try) == ("dropped", "")
