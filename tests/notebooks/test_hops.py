"""`hops_when` returns when the function has spoken and nothing is under way, or time is up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from workshop.notebooks import waiting
from workshop.orders.journey import Hop

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
PUBLISHED = Hop(START, "inventory", "published", "stock-reserved")
TRACKED = Hop(START, "order-tracker", "tracked", "stock-reserved → RESERVED")
AGAIN = Hop(START, "shipping", "published again", "shipment-prepared")
SEEN = Hop(START, "order-tracker", "tracked", "shipment-prepared (no change)")


@dataclass
class Logs:
    """What the logs say, look by look, and whether the local cloud is idle; the last one stays."""

    looks: list = field(default_factory=list)
    idle: list = field(default_factory=lambda: [True])

    def read(self, stack, order_id):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def is_idle(self, stack):
        return self.idle.pop(0) if len(self.idle) > 1 else self.idle[0]


@pytest.fixture
def logs(monkeypatch):
    found = Logs()
    monkeypatch.setattr(waiting.journey, "hops", found.read)
    monkeypatch.setattr(waiting.journey, "idle", found.is_idle)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0)
    return found


def hops_when(*, own=True, seconds=30.0, said=("inventory", "published")):
    connection = SimpleNamespace(stack=SimpleNamespace(target=SimpleNamespace(own=own)))
    return waiting.hops_when(connection, "order-1", *said, seconds=seconds)


def test_it_waits_for_the_function(logs):
    logs.looks = [[], [], [PUBLISHED, TRACKED]]
    assert hops_when() == [PUBLISHED, TRACKED]


def test_it_waits_for_the_tracker(logs):
    logs.looks = [[PUBLISHED], [PUBLISHED, TRACKED]]
    assert hops_when() == [PUBLISHED, TRACKED]


def test_it_waits_until_nothing_is_under_way(logs):
    """What another function says at the same time may come into its log a little later."""
    early, whole = [PUBLISHED, TRACKED], [PUBLISHED, TRACKED, AGAIN, SEEN]
    logs.looks, logs.idle = [early, whole], [False, True]
    assert hops_when() == whole


def test_on_aws_nobody_knows_what_is_under_way(logs):
    logs.looks, logs.idle = [[PUBLISHED, TRACKED]], [False]
    assert hops_when(own=False) == [PUBLISHED, TRACKED]


def test_when_time_is_up_it_returns_what_there_is(logs):
    logs.looks = [[PUBLISHED, TRACKED]]
    assert hops_when(seconds=0.0, said=("shipping", "published")) == [PUBLISHED, TRACKED]
