"""The work queue and the gate: bounds, order, ends."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud.delivery.concurrency_limit import Gate
from local_cloud.delivery.work_queue import WorkQueue


class Meter:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = self.total = 0

    def visit(self, seconds: float = 0.002) -> None:
        with self._lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
        time.sleep(seconds)
        with self._lock:
            self.now -= 1


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_a_queue_does_everything_a_few_at_a_time() -> None:
    queue, meter = WorkQueue(3), Meter()
    for _ in range(100):
        queue.put(meter.visit)
    wait_for(lambda: queue.counts().idle)
    assert (meter.total, meter.most) == (100, 3)
    queue.close(0)


def test_a_queue_keeps_the_order_and_the_time() -> None:
    queue, done = WorkQueue(1), list[str]()
    started = time.monotonic()
    queue.put(lambda: done.append("late"), 0.5)
    queue.put(lambda: done.append("first"))
    queue.put(lambda: done.append("second"))
    wait_for(lambda: queue.counts().idle)
    assert done == ["first", "second", "late"]
    assert time.monotonic() - started >= 0.5
    queue.close(0)


def test_earlier_work_overtakes_a_wait() -> None:
    """A thread that waits for later work takes what comes meanwhile."""
    queue, done = WorkQueue(1), threading.Event()
    queue.put(lambda: None, 60)
    time.sleep(0.01)
    queue.put(done.set)
    assert done.wait(5)
    assert queue.counts().later == 1
    queue.close(0)


def test_failing_work_does_not_end_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    queue, done = WorkQueue(1), threading.Event()
    queue.put(threading.Lock().release)  # not held: an error
    queue.put(done.set)
    assert done.wait(5)
    assert "a task failed" in caplog.text
    queue.close(0)


def test_close_finishes_what_runs_and_counts_what_does_not() -> None:
    queue, meter = WorkQueue(1), Meter()
    queue.put(lambda: meter.visit(0.1))
    queue.put(meter.visit)
    queue.put(meter.visit, 60)
    wait_for(lambda: meter.now == 1)
    queue.close(grace=5)
    assert (queue.discarded, meter.total, meter.now) == (2, 1, 0)
    queue.put(meter.visit)
    assert queue.discarded == 3
    assert queue.counts().idle


def test_close_does_not_wait_longer_than_its_grace() -> None:
    queue, released = WorkQueue(1), threading.Event()

    def hang() -> None:
        released.wait(10)

    queue.put(hang)
    wait_for(lambda: queue.counts().running == 1)
    started = time.monotonic()
    queue.close(grace=0.05)
    assert time.monotonic() - started < 5
    released.set()


def test_a_gate_lets_a_few_in_at_once() -> None:
    gate, meter = Gate(3, patience=60), Meter()

    def visit(_: int) -> None:
        with gate.turn():
            meter.visit()

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(visit, range(200)))
    assert (meter.total, meter.most) == (200, 3)
    assert gate.counts() == (0, 0)


def test_a_gate_gives_way_when_nothing_moves() -> None:
    """Those inside wait for one outside: nobody can know, so patience ends."""
    gate, inner_done = Gate(2, patience=0.05), threading.Event()

    def outer(_: int) -> bool:
        with gate.turn():
            return inner_done.wait(10)

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(outer, number) for number in range(2)]
        wait_for(lambda: gate.counts() == (0, 2))
        with gate.turn():
            inner_done.set()
        assert all(future.result() for future in waiting)
    assert gate.counts() == (0, 0)


def test_a_gate_is_closed_as_long_as_something_moves() -> None:
    """Patience is for standstill, not for load."""
    gate, meter = Gate(1, patience=0.2), Meter()

    def visit(_: int) -> None:
        with gate.turn():
            meter.visit(0.02)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(visit, range(40)))
    assert meter.most == 1


def test_a_turn_ends_with_an_error_too() -> None:
    gate = Gate(1, patience=60)
    with pytest.raises(KeyError), gate.turn():
        raise KeyError
    assert gate.counts() == (0, 0)
