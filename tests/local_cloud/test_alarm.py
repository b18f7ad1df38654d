"""When an alarm changes its state."""

from typing import Any

import pytest

from local_cloud.delivery.alarm import ALARM, INSUFFICIENT_DATA, OK, Condition, state_after


def state(values: list[float | None], current: str = OK, **condition: Any) -> str:
    settings = {
        "comparison": "GreaterThanThreshold",
        "threshold": 5.0,
        "to_alarm": len(values),
        "missing": "missing",
    }
    return state_after(Condition(**{**settings, **condition}), values, current)


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanThreshold", [OK, OK, ALARM]),
        ("GreaterThanOrEqualToThreshold", [OK, ALARM, ALARM]),
        ("LessThanThreshold", [ALARM, OK, OK]),
        ("LessThanOrEqualToThreshold", [ALARM, ALARM, OK]),
    ],
)
def test_a_value_is_compared_with_the_threshold(comparison: str, states: list[str]) -> None:
    assert [state([value], comparison=comparison) for value in (4.0, 5.0, 6.0)] == states


def test_so_many_values_must_be_beyond_it_as_the_alarm_says() -> None:
    assert state([6, 4, 6]) == OK
    assert state([6, 4, 6], to_alarm=2) == ALARM


@pytest.mark.parametrize(
    ("missing", "none", "one_good", "one_bad"),
    [
        ("missing", INSUFFICIENT_DATA, OK, OK),
        ("breaching", ALARM, OK, ALARM),
        ("notBreaching", OK, OK, OK),
        ("ignore", "as before", OK, "as before"),
    ],
)
def test_a_period_without_data_counts_as_the_alarm_says(
    missing: str, none: str, one_good: str, one_bad: str
) -> None:
    """Two periods, both of which must be beyond the threshold."""
    found = [
        state(values, "as before", missing=missing)
        for values in ([None, None], [4.0, None], [6.0, None])
    ]
    assert found == [none, one_good, one_bad]
