"""No event leads to itself: a loop would cost money until somebody stops it."""

import pytest

from workshop.stages import Flow, Function, flow


def loop(functions):
    """Return the steps that lead to themselves, of functions that events invoke."""
    follows = {
        step: {after for each in functions if each.receives(step) for after in each.publishes}
        for each in functions
        for step in each.publishes
    }
    found = set()
    for start in follows:
        reached, unread = set(), [start]
        while unread:
            fresh = follows.get(unread.pop(), set()) - reached
            reached |= fresh
            unread += fresh
        if start in reached:
            found.add(start)
    return found


def test_no_event_of_the_flow_leads_to_itself():
    found = flow()
    assert isinstance(found, Flow)
    assert any(each.publishes for each in found.functions.values())
    assert loop(found.functions.values()) == set()


@pytest.mark.parametrize(("consumes", "steps"), [("b", {"a", "b"}), ("a", {"a"})])
def test_loop_is_noticed(consumes, steps):
    first = Function("first", 1, "#000000", (consumes,), ("a",))
    second = Function("second", 2, "#000000", ("a",), ("b",))
    assert loop([first, second]) >= steps
