"""Tests of the sampler: it reads repeatedly, at the start and at the end, and raises errors."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest

from workshop.notebooks.sampling import sampled


def test_sampler_reads_while_the_block_runs():
    enough = threading.Event()
    numbers = itertools.count()

    def read():
        value = next(numbers)
        if value == 5:
            enough.set()
        return value

    with sampled(read, every=0.001) as samples:
        assert enough.wait(10)
    assert [value for _, value in samples.readings][:6] == [0, 1, 2, 3, 4, 5]
    moments = [seconds for seconds, _ in samples.readings]
    assert moments == sorted(moments)
    assert moments[0] >= 0


def test_first_reading_is_before_the_block_and_the_last_after_it():
    stock = 20
    with sampled(lambda: stock, every=3600) as samples:
        stock = 0
    assert [value for _, value in samples.readings] == [20, 0]


def test_sampler_stops_when_the_block_ends():
    with sampled(lambda: 1, every=0.001) as samples:
        pass
    count = len(samples.readings)
    assert not [thread for thread in threading.enumerate() if thread.name == "sampler"]
    assert len(samples.readings) == count


def test_lowest_value_is_reported():
    values = iter([3, 1, 2])
    with sampled(lambda: next(values), every=3600) as samples:
        samples.take(lambda: next(values))
    assert samples.lowest == 1


def test_error_in_reading_is_raised_when_the_block_ends():
    """Otherwise the thread would end unnoticed, and the picture would be incomplete."""
    failed = threading.Event()
    answers = iter([1])

    def read():
        try:
            return next(answers)
        except StopIteration:
            failed.set()
            raise RuntimeError("no table") from None

    with pytest.raises(RuntimeError, match="no table"), sampled(read, every=0.001):
        assert failed.wait(10)


def test_error_of_the_block_comes_first():
    with pytest.raises(KeyError, match="mine"), sampled(lambda: 1, every=0.001):
        raise KeyError("mine")


def test_event_timestamp_is_placed_on_the_same_time_axis():
    with sampled(lambda: 1) as samples:
        soon = datetime.now(UTC) + timedelta(seconds=2)
    seconds = samples.seconds_at(soon.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    assert seconds == pytest.approx(2, abs=0.5)
