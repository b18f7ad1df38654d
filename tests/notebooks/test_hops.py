"""Tests of `hops_when`: it waits for a function's hop, the tracker and an idle cloud."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from workshop.journeys.hops import Hop
from workshop.notebooks import waiting

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
PUBLISHED = Hop(START, "inventory", "published", "stock-reserved")
TRACKED = Hop(START, "order-tracker", "tracked", "stock-reserved → RESERVED")
AGAIN = Hop(START, "shipping", "published again", "shipment-prepared")
SEEN = Hop(START, "order-tracker", "tracked", "shipment-prepared (no change)")


@dataclass
class Logs:
    """The hops of each read, and whether the cloud is idle; the last value repeats."""

    reads: list = field(default_factory=list)
    idle: list = field(default_factory=lambda: [True])

    def read(self, stack, order_id):
        return self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]

    def is_idle(self, stack):
        return self.idle.pop(0) if len(self.idle) > 1 else self.idle[0]


@pytest.fixture
def logs(monkeypatch):
    found = Logs()
    monkeypatch.setattr(waiting.logs, "hops", found.read)
    monkeypatch.setattr(waiting.following, "idle", found.is_idle)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0)
    return found


def hops_when(*, own=True, seconds=30.0, hop=("inventory", "published")):
    connection = SimpleNamespace(stack=SimpleNamespace(target=SimpleNamespace(own=own)))
    return waiting.hops_when(connection, "order-1", *hop, seconds=seconds)


def test_hops_when_waits_for_the_function(logs):
    logs.reads = [[], [], [PUBLISHED, TRACKED]]
    assert hops_when() == [PUBLISHED, TRACKED]


def test_hops_when_waits_for_the_tracker(logs):
    logs.reads = [[PUBLISHED], [PUBLISHED, TRACKED]]
    assert hops_when() == [PUBLISHED, TRACKED]


def test_hops_when_waits_until_the_cloud_is_idle(logs):
    """The log of another function may appear a little later."""
    early, complete = [PUBLISHED, TRACKED], [PUBLISHED, TRACKED, AGAIN, SEEN]
    logs.reads, logs.idle = [early, complete], [False, True]
    assert hops_when() == complete


def test_hops_when_ignores_idle_on_aws(logs):
    logs.reads, logs.idle = [[PUBLISHED, TRACKED]], [False]
    assert hops_when(own=False) == [PUBLISHED, TRACKED]


def test_hops_when_returns_after_its_timeout(logs):
    logs.reads = [[PUBLISHED, TRACKED]]
    assert hops_when(seconds=0.0, hop=("shipping", "published")) == [PUBLISHED, TRACKED]
