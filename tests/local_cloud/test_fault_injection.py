"""The trouble switch's decisions, without a cloud."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.delivery.fault_injection import (
    AS_USUAL,
    Decision,
    Duplicate,
    Hold,
    Kill,
    Plan,
    Share,
    Switch,
    TroubleError,
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
    kill_before_publish=st.none() | st.builds(Kill, st.text(), st.integers(0, 5)),
)

EVENTS = [f"event-{number}" for number in range(1000)]


@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


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


def test_one_kind_of_trouble_does_not_shift_another() -> None:
    """Switching duplicates on does not change which events are dropped."""
    few, more = Plan(drop=Share(0.3)), Plan(drop=Share(0.3), duplicate=Duplicate(0.5))
    for event in EVENTS:
        assert (decide(few, event, "f", 1).waits == ()) == (decide(more, event, "f", 1).waits == ())


def test_an_event_sent_again_is_decided_anew() -> None:
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


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"dorp": {}}, "unknown trouble: dorp"),
        ({"drop": {"share": 1.1}}, "drop: share is 1.1, not between 0 and 1"),
        ({"drop": {"rate": 1}}, "drop: .*rate"),
        ({"drop": 1}, "drop: "),
        ({"duplicate": {"share": 1, "copies": 0}}, "duplicate: copies is 0"),
        ({"delay": {"share": 1, "seconds": -1}}, "delay: seconds is -1"),
        ({"delay": {"share": 1, "seconds": float("inf")}}, "delay: seconds is inf"),
        ({"delay": {"share": 1, "seconds": float("nan")}}, "delay: seconds is nan"),
        ({"seed": "x"}, "seed: "),
        ({"kill_before_publish": {}}, "kill_before_publish: "),
    ],
)
def test_nonsense_is_refused(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(TroubleError, match=sentence):
        Plan.from_json(data)


def test_one_name_may_be_given_alone() -> None:
    assert Plan.from_json({"functions": "charge"}).functions == ("charge",)


def test_refusals_are_decided_attempt_by_attempt() -> None:
    switch = Switch()
    switch.set(Plan(refuse=Share(0.5)))
    seen = Counter(switch.refuses("event-1", "charge", "", attempt) for attempt in range(100))
    assert min(seen.values()) > 20
