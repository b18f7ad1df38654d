"""Tests of reporting injected faults."""

from types import SimpleNamespace

import pytest

from tests.board.fakes import fake_stack
from workshop.deployment.local import injected_faults
from workshop.deployment.release import gateway_switch
from workshop.errors import WorkshopError
from workshop.journeys import advice


def stack(state):
    rules = {"Rules": [{"Name": "orderflow-payment", "State": state}]}
    events = SimpleNamespace(list_rules=lambda **_: rules)
    outputs = SimpleNamespace(event_bus_name="orderflow-bus")
    target = SimpleNamespace(own=False, name="aws-1-us-east-1")

    def enable(Name, **_):  # noqa: N803 - boto3's spelling
        rules["Rules"] = [{"Name": Name, "State": "ENABLED"}]

    events.enable_rule = enable
    return SimpleNamespace(target=target, stage=5, outputs=outputs, client=lambda _: events)


def test_disabled_rule_is_reported_with_the_command_that_enables_it(monkeypatch):
    """A killed notebook may leave a disabled rule, and Terraform does not see it."""
    monkeypatch.setattr(gateway_switch, "state", lambda _: {"payment": True})
    injected_faults.ensure_no_faults(stack("ENABLED"))
    command = "orderflow-payment.* --event-bus-name orderflow-bus --name orderflow-payment"
    off = stack("DISABLED")
    with pytest.raises(WorkshopError, match=command):
        injected_faults.ensure_no_faults(off)
    injected_faults.enable_rules(off)
    injected_faults.ensure_no_faults(off)


def test_stalled_order_names_the_disabled_rule_not_the_reconciler(monkeypatch):
    """A re-published event is not delivered while the rule is disabled."""
    off = stack("DISABLED")
    off.outputs.dead_letter_queue_urls = {"payment": {}}
    (line,) = advice.of(off, "order-1", [], given_up=True)
    assert "orderflow-payment" in line
    assert "reconcile" not in line


@pytest.mark.parametrize(("queued", "text"), [(0, ""), (200, "260 deliveries")])
def test_queued_deliveries_are_reported_before_waiting(monkeypatch, capsys, queued, text):
    status = SimpleNamespace(queued=queued, later=60 if queued else 3)
    monkeypatch.setattr(injected_faults, "switch", lambda _: SimpleNamespace(status=lambda: status))
    injected_faults.report_backlog(SimpleNamespace(target=SimpleNamespace(own=True)))
    printed = capsys.readouterr().err
    assert text in printed
    assert bool(printed) is bool(text)


def test_gateway_that_is_down_is_reported(monkeypatch):
    monkeypatch.setattr(gateway_switch, "state", lambda _: {"payment": False})
    with pytest.raises(WorkshopError, match="WORKSHOP_CLOUD=aws-1-us-east-1 make gateway ARGS=up"):
        injected_faults.ensure_no_faults(stack("ENABLED"))


def test_faults_of_a_function_apply_to_its_buffer():
    """EventBridge sends to the buffer, so the buffer is what refuses."""
    deployed = fake_stack()
    deployed.outputs.buffer_queue_urls["payment"] = "http://127.0.0.1:9/0/orderflow-payment-buffer"
    faults = injected_faults.Faults(refuse=1.0, functions=("payment", "shipping"))
    plan = faults.plan(deployed)
    assert plan.functions == (
        *("orderflow-payment", "orderflow-shipping"),
        "orderflow-payment-buffer",
    )
    assert injected_faults.Faults.of(deployed, plan) == faults
