"""The board shows the same flow from the local cloud's change log and from the functions' logs."""

import pytest

from tests.fixtures.deployed import eventually_equal
from workshop.board.event_list import EventList, State
from workshop.board.log_source import LogSource
from workshop.board.source import Cursor, LocalSource

pytestmark = pytest.mark.deployed


class _Reader:
    """Reads a source to its end, again and again."""

    def __init__(self, source, stack, order_id):
        self._source, self._order_id = source, order_id
        self._keys = stack.outputs.function_keys
        self._events, self._cursor = EventList(), Cursor()

    def states(self):
        """Return step → consumer → state."""
        more = True
        while more:
            read = self._source.read(self._cursor, 10)
            self._events.add(read.records)
            self._cursor = Cursor(read.log_id, read.last)
            more = read.last < read.newest
        return {
            line.step: {each.name: each.state for each in line.consumers(self._keys)}
            for line in self._events.of_order(self._order_id)
        }


@pytest.mark.parametrize("token", ["tok_approved", "tok_declined"])
def test_logs_show_the_same_deliveries_as_the_change_log(
    stack, order, stocked, cloud, final_status, token
):
    stocked("MOUSE", 100)
    order_id = order({"MOUSE": 1}, token=token)
    final_status(order_id)
    assert cloud.wait_idle(300)
    steps = _Reader(LocalSource(stack.target.name), stack, order_id).states()
    assert len(steps) == (4 if token == "tok_approved" else 2)
    expected = {step: dict.fromkeys(names, State.DELIVERED) for step, names in steps.items()}
    logs = LogSource(stack.target.name, stack_of=lambda _: stack, sleep=lambda _: None)
    eventually_equal(_Reader(logs, stack, order_id).states, expected)
