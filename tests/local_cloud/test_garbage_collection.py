"""The server collects its garbage while it has nothing to do."""

import gc
import weakref

import pytest

from local_cloud import garbage_collection
from local_cloud.garbage_collection import IDLE_CPU_SECONDS, WORTH_CPU_SECONDS, IdleTime


class Clock:
    """A process's CPU time."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds

    def work(self, seconds):
        self.seconds += seconds


def test_a_server_that_works_is_not_stopped():
    """Not at its start, and not while it uses the processor."""
    cpu = Clock()
    idle = IdleTime(cpu)
    assert not idle.is_right()
    for _ in range(5):
        cpu.work(WORTH_CPU_SECONDS)
        assert not idle.is_right()


def test_a_server_that_has_worked_and_rests_is_collected_once():
    """Its own looks and health checks are no work that makes another collection useful."""
    cpu = Clock()
    idle = IdleTime(cpu)
    cpu.work(2 * WORTH_CPU_SECONDS)
    idle.is_right()
    cpu.work(IDLE_CPU_SECONDS / 2)
    assert idle.is_right()
    idle.collected()
    cpu.work(IDLE_CPU_SECONDS / 2)
    assert not idle.is_right()


class Node:
    """An object that refers to itself, so that only a collection frees it."""

    def __init__(self):
        self.itself = self


@pytest.fixture
def _unfrozen():
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_unfrozen")
def test_garbage_that_an_earlier_collection_kept_is_freed():
    """What is frozen now may be garbage later, and must not stay for ever."""
    node = Node()
    seen = weakref.ref(node)
    garbage_collection.collect()
    assert gc.get_freeze_count() > 0
    del node
    gc.collect()
    assert seen() is not None, "a frozen object is out of reach of Python's own collections"
    garbage_collection.collect()
    assert seen() is None
