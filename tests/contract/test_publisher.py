"""Publishing: the answer of PutEvents is read."""

import pytest

from orderflow.errors import PublishError, SettingsError
from orderflow.publisher import ATTEMPTS, Publisher
from orderflow.settings import Settings
from tests.fixtures.events import example


def test_a_refused_entry_is_sent_again(bus):
    """PutEvents answers 200 with FailedEntryCount 1: the entry is sent until it is taken."""
    bus.refusals = ATTEMPTS - 1
    pauses = []
    Publisher(bus, "bus", sleep=pauses.append).publish(example("OrderCreated"))
    assert len(bus.entries) == 1
    assert len(pauses) == ATTEMPTS - 1


def test_a_bus_that_keeps_refusing_is_told_by_its_code(bus):
    """After the last try the error names EventBridge's reason."""
    bus.refusals = ATTEMPTS
    with pytest.raises(PublishError, match="ThrottlingException"):
        Publisher(bus, "bus", sleep=lambda _: None).publish(example("OrderCreated"))


def test_missing_settings_are_named_together():
    """One message names every variable that is missing."""
    with pytest.raises(SettingsError, match="TABLE_NAME, EVENT_BUS_NAME"):
        Settings.from_environment({})


@pytest.mark.parametrize(("text", "available"), [("true", True), ("false", False), ("TRUE", True)])
def test_the_gateway_setting(text, available):
    """GATEWAY_AVAILABLE is true unless it says otherwise."""
    environment = {"TABLE_NAME": "t", "EVENT_BUS_NAME": "b", "GATEWAY_AVAILABLE": text}
    assert Settings.from_environment(environment).gateway_available is available
