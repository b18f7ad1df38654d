"""What is wrong with a stack on purpose is told before anything else is blamed."""

from types import SimpleNamespace

import pytest

from workshop.deployment.local import injected_faults
from workshop.deployment.release import gateway_switch
from workshop.errors import WorkshopError


def stack(state):
    rules = {"Rules": [{"Name": "orderflow-payment", "State": state}]}
    events = SimpleNamespace(list_rules=lambda **_: rules)
    outputs = SimpleNamespace(event_bus_name="orderflow-bus")
    target = SimpleNamespace(own=False)
    return SimpleNamespace(target=target, stage=5, outputs=outputs, client=lambda _: events)


def test_a_rule_that_is_off_is_told_with_the_command_that_switches_it_on(monkeypatch):
    """A killed notebook may leave one, and Terraform does not see it."""
    monkeypatch.setattr(gateway_switch, "state", lambda _: {"payment": True})
    injected_faults.nothing_is_wrong(stack("ENABLED"))
    told = "orderflow-payment is off, .* --event-bus-name orderflow-bus --name orderflow-payment"
    with pytest.raises(WorkshopError, match=told):
        injected_faults.nothing_is_wrong(stack("DISABLED"))


def test_a_gateway_that_is_down_is_told(monkeypatch):
    monkeypatch.setattr(gateway_switch, "state", lambda _: {"payment": False})
    with pytest.raises(WorkshopError, match="make gateway ARGS=up"):
        injected_faults.nothing_is_wrong(stack("ENABLED"))
