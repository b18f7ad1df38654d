"""The time axis of a waterfall: pauses that are drawn short, its scale, and its ticks."""

from itertools import pairwise

import pytest

from tests.fixtures.journeys import (
    DECLINED,
    JOURNEYS,
    NORMAL,
    OVERTAKEN,
    REDRIVEN,
    REFUNDED,
    RETRIED,
)
from workshop.journeys.axis import Scale, duration, folds_of
from workshop.journeys.picture import moments
from workshop.journeys.waterfall import waterfall_of

every_journey = pytest.mark.parametrize("hops", JOURNEYS.values(), ids=JOURNEYS)


@pytest.mark.parametrize(
    ("hops", "pauses"),
    [
        (NORMAL, []),
        (DECLINED, []),
        (OVERTAKEN, ["747 ms"]),
        (RETRIED, ["1.0 s", "2.0 s"]),
        (REFUNDED, ["735 ms"]),
        (REDRIVEN, ["1.0 s", "2.0 s", "15 min"]),
    ],
    ids=["normal", "declined", "overtaken", "retried", "refunded", "redriven"],
)
def test_long_pauses_are_folded(hops, pauses):
    folds = folds_of(moments(waterfall_of(hops)))
    assert [duration(fold.seconds) for fold in folds] == pauses


@pytest.mark.parametrize(
    "times",
    [
        [0.5 * number for number in range(20)],
        [0, 1, 1.6, 2.1, 2.9, 3.4, 3.5, 3.6, 3.7, 3.75, 4.0],
        [0, 0.15, 0.17, 0.33, 0.36, 0.6],
        [0, 60],
        [0],
    ],
    ids=["steady", "busy all the time", "as on AWS", "two hops", "one hop"],
)
def test_nothing_is_folded_when_events_fill_the_axis(times):
    assert folds_of(times) == ()


@every_journey
def test_time_goes_to_the_right_within_the_edges(hops):
    found = moments(waterfall_of(hops))
    scale = Scale.over(found, left=100, right=900)
    pixels = [scale.x(moment) for moment in found]
    assert pixels == sorted(pixels)
    assert pixels[0] == pytest.approx(100)
    assert pixels[-1] == pytest.approx(900)


def test_scale_is_the_same_before_and_after_a_fold():
    scale = Scale.over([0, 0.01, 5, 5.02], left=0, right=500)
    assert scale.x(5.01) - scale.x(5) == pytest.approx(scale.x(0.01) - scale.x(0))


@every_journey
def test_ticks_differ_and_do_not_overlap(hops):
    scale = Scale.over(moments(waterfall_of(hops)), left=130, right=920)
    ticks = scale.ticks()
    assert len({text for _, text in ticks}) == len(ticks)
    pixels = [scale.x(moment) for moment, _ in ticks]
    assert all(right - left > 40 for left, right in pairwise(pixels))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.014, "14 ms"),
        (0.9999, "1.0 s"),
        (2.84, "2.8 s"),
        (54, "54 s"),
        (900, "15 min"),
        (3 * 3600, "3 h"),
    ],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text


def test_time_in_which_something_runs_is_never_folded():
    """A cold start of seconds is drawn to scale, however short all the rest is."""
    times = [0, 0.01, 3, 3.01]
    assert len(folds_of(times)) == 1
    assert folds_of(times, [(0.01, 3)]) == ()


def test_folded_pauses_never_take_the_most_of_the_axis():
    times = [0.0, 0.01]
    for _ in range(8):
        times += [times[-1] + times[-1] * 1.5 + 1]
        times += [times[-1] + 0.01]
    scale = Scale.over(times, left=0, right=100)
    assert sum(scale.x(fold.end) - scale.x(fold.start) for fold in scale.folds) <= 40.001
