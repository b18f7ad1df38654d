"""Publishing: the answer of PutEvents is read."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from payment_service.gateway import SLOW_SECONDS

from orderflow import aws
from orderflow.backoff import MAX_FIRST_BACKOFF_SECONDS
from orderflow.errors import PublishError, SettingsError
from orderflow.publisher import ATTEMPTS, Publisher
from orderflow.settings import Settings
from tests.fixtures.events import example

ROOT = Path(__file__).resolve().parents[2]


def test_a_refused_entry_is_sent_again(bus):
    """PutEvents answers 200 with FailedEntryCount 1: the entry is sent until it is taken."""
    bus.refusals = ATTEMPTS - 1
    pauses = []
    Publisher(bus, "bus", sleep=pauses.append).publish(example("OrderCreated"))
    assert len(bus.entries) == 1
    assert len(pauses) == ATTEMPTS - 1
    for attempt, pause in enumerate(pauses, start=1):
        assert 0 <= pause <= MAX_FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)


def test_entry_names_source_type_and_bus(bus):
    event = example("OrderCreated")
    Publisher(bus, "bus").publish(event)
    assert bus.entries == [
        {
            "Source": "orderflow.order",
            "DetailType": "OrderCreated",
            "Detail": event.to_json(),
            "EventBusName": "bus",
        }
    ]


def test_refusal_without_a_code_is_a_publish_error_too():
    answer = {"FailedEntryCount": 1, "Entries": [{}]}
    refusing = SimpleNamespace(put_events=lambda Entries: answer)  # noqa: N803 (boto3's spelling)
    with pytest.raises(PublishError) as caught:
        Publisher(refusing, "bus", sleep=lambda _: None).publish(example("OrderCreated"))
    assert str(caught.value).endswith(f" {ATTEMPTS} times: unknown")


def test_error_has_the_code_of_a_bus_that_keeps_refusing(bus):
    """After the last try the error names EventBridge's reason."""
    bus.refusals = ATTEMPTS
    with pytest.raises(PublishError, match="ThrottlingException"):
        Publisher(bus, "bus", sleep=lambda _: None).publish(example("OrderCreated"))


def test_missing_settings_are_named_together():
    """One message names every variable that is missing."""
    with pytest.raises(SettingsError, match="TABLE_NAME, EVENT_BUS_NAME"):
        Settings.from_environment({})


def test_a_bus_that_does_not_answer_is_a_publish_error(bus):
    """The error of a call that fails as a whole has its code, too."""
    code = {"Error": {"Code": "InternalException", "Message": "secret"}}
    bus.crash = ClientError(code, "PutEvents")
    with pytest.raises(PublishError, match="InternalException") as caught:
        Publisher(bus, "bus").publish(example("OrderCreated"))
    assert "secret" not in str(caught.value)


def test_aws_gives_up_before_the_function_does():
    """Three requests that all hang end inside a function's time, with seconds to spare."""
    text = (ROOT / "terraform/modules/event-function/variables.tf").read_text("utf-8")
    block = text.split('variable "timeout_seconds"')[1]
    timeout = int(re.search(r"default\s*=\s*(\d+)", block)[1])
    longest_call = aws.ATTEMPTS * (aws.CONNECT_SECONDS + aws.READ_SECONDS)
    assert 3 * longest_call + SLOW_SECONDS < timeout - 2
