"""EventBridge's half of a delivery, without a cloud."""

from typing import Any

import pytest

from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.emulator_port import Function
from local_cloud.delivery.fault_injection import Plan, Share
from local_cloud.delivery.rule_target import Handover
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
    **handover: Any,
) -> tuple[Any, list[str]]:
    parts, queue = parts_around(fake, queue)
    parts.switch.set(Plan(refuse=Share(1)) if refused else None)
    origin = Origin(event_id="1", detail_type="OrderCreated", rule="paid")
    parts.targets.deliver(Handover(RULE_ARN, "paid", ARN, {"a": 1}, "raw", origin, **handover))
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
def test_what_a_retry_cannot_mend_is_not_retried(fake: FakeCloud, code: str) -> None:
    waits, outcomes = deliver(fake, dead_letter="dead")
    assert (waits, outcomes) == ([], ["dead-lettered"])
    found = attributes(fake)
    assert set(found) == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE"}
    assert (found["RULE_ARN"], found["TARGET_ARN"], found["ERROR_CODE"]) == (RULE_ARN, ARN, code)
    assert fake.counted == ["FailedInvocations", "InvocationsSentToDlq"]


def test_without_a_queue_the_event_is_dropped_and_counted() -> None:
    fake = FakeCloud()
    _, outcomes = deliver(fake)
    assert outcomes == ["dropped"]
    assert fake.counted == ["FailedInvocations"]


def test_a_queue_that_does_not_take_it_is_as_none() -> None:
    fake = FakeCloud(deny={"dead"})
    _, outcomes = deliver(fake, dead_letter="dead")
    assert outcomes == ["dropped"]
    assert fake.counted == ["FailedInvocations", "InvocationsFailedToBeSentToDlq"]


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
    parts.targets.deliver(Handover(RULE_ARN, "paid", ARN, {}, "raw", origin))
    [record] = parts.journal.records()
    assert (record.outcome, record.reason, record.origin) == ("dropped", "internal error", origin)
    assert "TypeError" in caplog.text
