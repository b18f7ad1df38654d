"""The decisions of fault injection, without a cloud."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_cloud.delivery.fault_injection import (
    AS_USUAL,
    MOST_COPIES,
    Decision,
    Duplicate,
    Hold,
    InvalidPlanError,
    Kill,
    Plan,
    Share,
    Switch,
    decide,
)
from workshop.paths import ROOT

shares = st.floats(0, 1)
holds = st.builds(Hold, share=shares, seconds=st.floats(0, 10))
plans = st.builds(
    Plan,
    seed=st.integers(),
    functions=st.tuples(st.text()),
    detail_types=st.tuples(st.text()),
    duplicate=st.builds(Duplicate, share=shares, copies=st.integers(1, 5)),
    delay=holds,
    reorder=holds,
    drop=st.builds(Share, share=shares),
    refuse=st.builds(Share, share=shares),
    fail_entries=st.builds(Share, share=shares),
    kill_before_publish=st.none() | st.builds(Kill, st.text(), st.integers(0, 5)),
)

EVENTS = [f"event-{number}" for number in range(1000)]


@settings(deadline=None)
@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


@settings(deadline=None)
@given(plans, st.text(), st.text(), st.integers(1, 9))
def test_a_decision_is_a_function_of_its_arguments(
    plan: Plan, event: str, function: str, nth: int
) -> None:
    decision = decide(plan, event, function, nth)
    assert decision == decide(plan, event, function, nth)
    assert len(decision.waits) <= plan.duplicate.copies
    assert all(0 <= wait <= plan.delay.seconds + plan.reorder.seconds for wait in decision.waits)


def test_another_process_decides_the_same() -> None:
    """Nothing depends on Python's randomised hashes."""
    code = (
        "from local_cloud.delivery.fault_injection import *\n"
        "plan = Plan(seed=3, drop=Share(.3), delay=Hold(.3), duplicate=Duplicate(.3))\n"
        "print([decide(plan, str(event), 'f', 1) for event in range(50)])"
    )
    command = [sys.executable, "-c", code]
    first, second = (subprocess.check_output(command, cwd=ROOT, text=True) for _ in range(2))
    plan = Plan(seed=3, drop=Share(0.3), delay=Hold(0.3), duplicate=Duplicate(0.3))
    expected = [decide(plan, str(event), "f", 1) for event in range(50)]
    assert first.strip() == second.strip() == str(expected)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_is_about_that_share(share: float) -> None:
    plan = Plan(drop=Share(share), seed=1)
    lost = sum(decide(plan, event, "charge", 1).waits == () for event in EVENTS)
    assert lost / len(EVENTS) == pytest.approx(share, abs=0.05)


def test_all_and_nothing() -> None:
    thrice, never = Plan(duplicate=Duplicate(1, copies=3)), Plan(drop=Share(0))
    assert {decide(thrice, event, "charge", 1).waits for event in EVENTS} == {(0.0, 0.0, 0.0)}
    assert {decide(never, event, "charge", 1) for event in EVENTS} == {AS_USUAL}


def test_one_kind_of_fault_does_not_change_another() -> None:
    """Switching duplicates on does not change which events are dropped."""
    few, more = Plan(drop=Share(0.3)), Plan(drop=Share(0.3), duplicate=Duplicate(0.5))
    for event in EVENTS:
        assert (decide(few, event, "f", 1).waits == ()) == (decide(more, event, "f", 1).waits == ())


def test_an_event_that_is_sent_again_gets_a_new_decision() -> None:
    switch = Switch()
    switch.set(Plan(drop=Share(0.5)))
    fates = [switch.on_delivery("event-1", "charge", "OrderCreated") for _ in range(40)]
    assert {bool(fate.waits) for fate in fates} == {True, False}
    switch.set(Plan(drop=Share(0.5)))
    assert fates == [switch.on_delivery("event-1", "charge", "OrderCreated") for _ in range(40)]


def test_other_events_in_between_change_nothing() -> None:
    """Whatever order the threads bring them in."""
    forwards, backwards = Switch(), Switch()
    for switch in (forwards, backwards):
        switch.set(Plan(drop=Share(0.5), delay=Hold(0.5)))
    fates = {event: forwards.on_delivery(event, "charge", "") for event in EVENTS}
    for event in reversed(EVENTS):
        assert backwards.on_delivery(event, "charge", "") == fates[event]


@pytest.mark.parametrize(
    ("function", "detail_type", "concerned"),
    [("a", "X", True), ("b", "X", False), ("a", "Y", False)],
)
def test_filters(function: str, detail_type: str, *, concerned: bool) -> None:
    switch = Switch()
    switch.set(Plan(drop=Share(1), functions=("a",), detail_types=("X",), refuse=Share(1)))
    decision = switch.on_delivery("event-1", function, detail_type)
    assert decision == (Decision((), ("dropped",)) if concerned else AS_USUAL)
    assert switch.refuses("event-1", function, detail_type, 1) is concerned


def test_kills_are_counted() -> None:
    switch = Switch()
    assert not switch.kills("charge")
    switch.set(Plan(kill_before_publish=Kill("charge", times=2)))
    assert [switch.kills(name) for name in ("ship", "charge", "charge", "charge")] == [
        False,
        True,
        True,
        False,
    ]


def test_kill_leaves_the_plan_after_its_last_use() -> None:
    switch = Switch()
    switch.set(Plan(drop=Share(0.5), kill_before_publish=Kill("charge", times=1)))
    assert switch.kills("charge")
    assert switch.plan == Plan(drop=Share(0.5))
    switch.set(Plan(kill_before_publish=Kill("charge", times=1)))
    assert switch.kills("charge")
    assert switch.plan is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"dorp": {}}, "unknown fault: dorp"),
        ({"drop": {"share": 1.1}}, "drop: share is 1.1, not between 0 and 1"),
        ({"drop": {"rate": 1}}, "drop: .*rate"),
        ({"drop": 1}, "drop: "),
        ({"duplicate": {"share": 1, "copies": 0}}, "duplicate: copies is 0"),
        ({"duplicate": {"share": 1, "copies": 11}}, "duplicate: copies is 11"),
        ({"delay": {"share": 1, "seconds": -1}}, "delay: seconds is -1"),
        ({"delay": {"share": 1, "seconds": float("inf")}}, "delay: seconds is inf"),
        ({"delay": {"share": 1, "seconds": float("nan")}}, "delay: seconds is nan"),
        ({"seed": "x"}, "seed: "),
        ({"kill_before_publish": {}}, "kill_before_publish: "),
    ],
)
def test_nonsense_is_refused(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidPlanError, match=sentence):
        Plan.from_json(data)


def test_one_name_may_be_given_alone() -> None:
    assert Plan.from_json({"functions": "charge"}).functions == ("charge",)


def test_refusals_are_decided_attempt_by_attempt() -> None:
    switch = Switch()
    switch.set(Plan(refuse=Share(0.5)))
    seen = Counter(switch.refuses("event-1", "charge", "", attempt) for attempt in range(100))
    assert min(seen.values()) > 20


@pytest.mark.parametrize("copies", [2, MOST_COPIES])
def test_copies_grow_by_addition_through_steps_that_publish(copies: int) -> None:
    """Each delivery publishes the next step's event, the same one again: four steps in a row."""
    switch = Switch()
    switch.set(Plan(duplicate=Duplicate(1, copies=copies)))
    published = 1
    for step in range(4):
        decisions = [switch.on_delivery(f"event-{step}", "f", "E") for _ in range(published)]
        published = sum(len(each.waits) for each in decisions)
    assert published == 4 * copies - 3


def test_each_event_and_function_is_duplicated_once() -> None:
    switch = Switch()
    switch.set(Plan(duplicate=Duplicate(1, copies=3)))
    waits = [len(switch.on_delivery("e", name, "E").waits) for name in ("a", "a", "b")]
    assert waits == [3, 1, 3]
    unnamed = [len(switch.on_delivery("", "a", "").waits) for _ in range(2)]
    assert unnamed == [3, 3]  # invocations with payloads of their own are no repeats


def test_a_failed_entry_gets_a_new_decision_with_each_request() -> None:
    """So a publisher that sends the event again gets it through."""
    switch = Switch()
    switch.set(Plan(fail_entries=Share(0.5)))
    asked = {event: [switch.fails_entry(event, "f", "X") for _ in range(9)] for event in EVENTS}
    assert all({True, False} == set(each) for each in asked.values() if each[0] != each[1])
    assert sum(each[0] for each in asked.values()) / len(EVENTS) == pytest.approx(0.5, abs=0.05)
    switch.set(Plan(fail_entries=Share(1), functions=("other",)))
    assert not switch.fails_entry("event-1", "f", "X")
