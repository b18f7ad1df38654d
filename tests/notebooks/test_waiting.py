"""Waiting until orders have come as far as they get."""

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
    """What the tables say, look by look, and whether anything runs; then the last goes on."""

    def be(*looks, idle=(False,), letters=()):
        said = chain(looks, repeat(looks[-1]))

        def read(_stack, _order_ids):
            return {order_id: status for order_id, status in next(said).items() if status}

        monkeypatch.setattr(waiting.journey, "statuses", read)
        runs = chain(idle, repeat(idle[-1]))
        monkeypatch.setattr(waiting.journey, "idle", lambda _: next(runs))
        monkeypatch.setattr(waiting, "POLL_SECONDS", 0)
        monkeypatch.setattr(waiting, "LOOK_SECONDS", 0)
        monkeypatch.setattr(dead_letters, "of", lambda _: SimpleNamespace(queues=None))
        found = [SimpleNamespace(order_id=order_id) for order_id in letters]
        monkeypatch.setattr(dead_letters, "look", lambda _: found)

    return be


def test_here_it_waits_until_nothing_runs(world):
    """What is read after that is all there will be: an order may well stand at an open status."""
    world({"a": "CREATED"}, {"a": "PAID"}, idle=(False, True))
    assert waiting.wait(stack(), ["a"]) == {"a": "PAID"}


def test_on_aws_it_waits_until_all_stand_still(world):
    world({"a": "PAID", "b": "REFUNDED"}, {"a": "SHIPMENT_PREPARED", "b": "REFUNDED"})
    told = []
    found = waiting.wait(stack(own=False), ["a", "b"], lambda now: told.append(dict(now)))
    assert found == {"a": "SHIPMENT_PREPARED", "b": "REFUNDED"}
    assert told == [{"a": "PAID", "b": "REFUNDED"}, found]


def test_on_aws_a_dead_letter_ends_the_waiting_too(world):
    world({"a": "CREATED", "b": "REFUNDED"}, letters=["a"])
    assert waiting.wait(stack(own=False, queues=QUEUES), ["a", "b"], seconds=20)["a"] == "CREATED"


def test_a_letter_of_another_order_does_not(world):
    world({"a": "CREATED"}, letters=["x"])
    found = waiting.wait(stack(own=False, queues=QUEUES), ["a"], seconds=0.05)
    assert found == {"a": "CREATED"}


def test_an_order_without_a_row_is_unknown(world):
    world({"a": None}, idle=(True,))
    assert waiting.wait(stack(), ["a"]) == {"a": "UNKNOWN"}


def test_the_last_form_of_the_line_stays(world, capsys):
    """The line is written over and over, and what nbval compares is its end."""
    world(
        {"a": "CREATED", "b": "CREATED", "c": "CREATED"},
        {"a": "REFUNDED", "b": "SHIPMENT_PREPARED", "c": "SHIPMENT_PREPARED"},
        idle=(False, True),
    )
    waiting.settle(SimpleNamespace(stack=stack()), ["a", "b", "c"])
    lines = capsys.readouterr().out.split("\r")
    assert lines[1].strip() == "3 CREATED"
    assert lines[-1] == "1 REFUNDED, 2 SHIPMENT_PREPARED\n"
