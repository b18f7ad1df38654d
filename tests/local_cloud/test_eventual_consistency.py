"""What is seen late, in memory."""

import pytest

from local_cloud.delivery.fault_injection import AS_USUAL, LATE_DUPLICATE, Plan, Switch
from local_cloud.eventual_consistency import LateView, Quota
from local_cloud.eventual_consistency import Switch as Consistency


class Clock:
    """A clock that does not move by itself."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


def test_a_change_is_seen_when_its_time_is_over(clock):
    view = LateView(5, clock)
    view.changes("role", "old")
    clock.time += 4.9
    assert view.seen("role", "new") == "old"
    clock.time += 0.2
    assert view.seen("role", "new") == "new"
    assert list(view.late()) == []


def test_changes_are_seen_one_after_the_other(clock):
    view = LateView(5, clock)
    view.changes("role", "first")
    clock.time += 3
    view.changes("role", "second")
    assert view.seen("role", "third") == "first"
    clock.time += 3
    assert view.seen("role", "third") == "second"
    clock.time += 3
    assert view.seen("role", "third") == "third"


def test_what_nobody_looks_at_is_forgotten(clock):
    """The switch stays on for hours: what was deleted long ago takes no memory."""
    view = LateView(5, clock)
    for number in range(3):
        view.changes(f"bucket-{number}", "there")
        clock.time += 5
    assert list(view.late()) == ["bucket-2"]


def test_what_did_not_exist_is_not_seen(clock):
    view = LateView(5, clock)
    view.changes("bucket", None)
    assert view.seen("bucket", "there") is None
    assert view.seen("other", "there") == "there"


def test_a_quota_allows_so_many_requests_a_second(clock):
    quota = Quota(5, clock)
    assert [quota.allows() for _ in range(6)] == [True] * 5 + [False]
    clock.time += 0.4
    assert [quota.allows() for _ in range(3)] == [True, True, False]
    clock.time += 100
    assert [quota.allows() for _ in range(6)] == [True] * 5 + [False]


def test_one_delivery_in_twenty_comes_twice():
    switch = Switch(Consistency(on=True))
    decisions = [switch.on_delivery(f"event-{n}", "payment", "OrderCreated") for n in range(2000)]
    assert set(map(str, decisions)) == {str(AS_USUAL), str(LATE_DUPLICATE)}
    assert 50 < decisions.count(LATE_DUPLICATE) < 150


def test_nothing_comes_twice_while_the_switch_is_off():
    consistency = Consistency(on=True)
    switch = Switch(consistency)
    consistency.set(on=False)
    decisions = {str(switch.on_delivery(f"e-{n}", "payment", "OrderCreated")) for n in range(500)}
    assert decisions == {str(AS_USUAL)}


def test_an_injected_fault_replaces_late_duplicates():
    switch = Switch(Consistency(on=True))
    switch.set(Plan.from_json({"drop": {"share": 1}}))
    assert switch.on_delivery("event-1", "payment", "OrderCreated").waits == ()
