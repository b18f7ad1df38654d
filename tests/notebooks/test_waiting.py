"""Tests of waiting until orders are settled, or an alarm rings."""

from itertools import chain, repeat
from types import SimpleNamespace

import pytest

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.notebooks import waiting
from workshop.recovery import dead_letters

TABLES = {"orders": "o", "payments": "p", "inventory": "i", "shipments": "s"}
QUEUES = {"payment": {"failed": "http://q"}}


def stack(*, own=True, queues=None):
    target = Target("some", "us-east-1", "0", "http://127.0.0.1:1" if own else None, own=own)
    return Stack(target, 5, Outputs("", "", "us-east-1", {}, TABLES, queues or {}))


@pytest.fixture
def world(monkeypatch):
    """Set the statuses of each read, and whether the cloud is idle; the last value repeats."""

    def be(*reads, idle=(False,), dead_lettered=()):
        statuses = chain(reads, repeat(reads[-1]))

        def read(_stack, _order_ids):
            return {order_id: status for order_id, status in next(statuses).items() if status}

        monkeypatch.setattr(waiting.order_rows, "statuses", read)
        runs = chain(idle, repeat(idle[-1]))
        monkeypatch.setattr(waiting.following, "idle", lambda _: next(runs))
        monkeypatch.setattr(waiting, "POLL_SECONDS", 0)
        monkeypatch.setattr(waiting, "PEEK_SECONDS", 0)
        monkeypatch.setattr(dead_letters, "of", lambda _: SimpleNamespace(queues=None))
        found = [SimpleNamespace(order_id=order_id) for order_id in dead_lettered]
        monkeypatch.setattr(dead_letters, "look", lambda _: found)

    return be


def test_wait_ends_when_the_local_cloud_is_idle(world):
    """An order may keep an open status; nothing will change it."""
    world({"a": "CREATED"}, {"a": "PAID"}, idle=(False, True))
    assert waiting.wait(stack(), ["a"]) == {"a": "PAID"}


def test_wait_ends_on_aws_when_all_orders_are_settled(world):
    world({"a": "PAID", "b": "REFUNDED"}, {"a": "SHIPMENT_PREPARED", "b": "REFUNDED"})
    shown = []
    found = waiting.wait(stack(own=False), ["a", "b"], lambda now: shown.append(dict(now)))
    assert found == {"a": "SHIPMENT_PREPARED", "b": "REFUNDED"}
    assert shown == [{"a": "PAID", "b": "REFUNDED"}, found]


def test_wait_ends_on_aws_when_an_order_has_a_dead_letter(world):
    world({"a": "CREATED", "b": "REFUNDED"}, dead_lettered=["a"])
    assert waiting.wait(stack(own=False, queues=QUEUES), ["a", "b"], seconds=20)["a"] == "CREATED"


def test_dead_letter_of_another_order_does_not_end_the_wait(world):
    world({"a": "CREATED"}, dead_lettered=["x"])
    found = waiting.wait(stack(own=False, queues=QUEUES), ["a"], seconds=0.05)
    assert found == {"a": "CREATED"}


def test_order_without_a_row_is_unknown(world):
    world({"a": None}, idle=(True,))
    assert waiting.wait(stack(), ["a"]) == {"a": "UNKNOWN"}


def test_settle_leaves_the_last_line(world, capsys):
    """The line is overwritten; nbval compares the last one."""
    world(
        {"a": "CREATED", "b": "CREATED", "c": "CREATED"},
        {"a": "REFUNDED", "b": "SHIPMENT_PREPARED", "c": "SHIPMENT_PREPARED"},
        idle=(False, True),
    )
    waiting.settle(SimpleNamespace(stack=stack()), ["a", "b", "c"])
    lines = capsys.readouterr().out.split("\r")
    assert lines[1].strip() == "3 CREATED"
    assert lines[-1] == "1 REFUNDED, 2 SHIPMENT_PREPARED\n"


def alarm(*states):
    """Return a CloudWatch client with one alarm; its last state repeats."""
    found = chain(states, repeat(states[-1]))
    return SimpleNamespace(
        describe_alarms=lambda AlarmNames: {  # noqa: N803 - boto3's name
            "MetricAlarms": [{"AlarmName": AlarmNames[0], "StateValue": next(found)}]
        }
    )


def test_wait_for_alarm_ends_when_the_alarm_rings(monkeypatch):
    monkeypatch.setattr(waiting, "ALARM_POLL_SECONDS", 0)
    cloudwatch = alarm("INSUFFICIENT_DATA", "OK", "ALARM", "OK")
    found = waiting.wait_for_alarm(cloudwatch, "waiting", seconds=30)
    assert (found["AlarmName"], found["StateValue"]) == ("waiting", "ALARM")


def test_wait_for_alarm_returns_the_state_at_the_timeout():
    assert waiting.wait_for_alarm(alarm("OK"), "waiting", seconds=-1)["StateValue"] == "OK"
