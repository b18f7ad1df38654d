"""When a CloudWatch alarm changes its state.

Source: CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat
missing data".
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""CloudWatch's comparisons with a fixed threshold."""


@dataclass(frozen=True)
class Condition:
    """An alarm's condition.

    Attributes:
        comparison: CloudWatch's name of the comparison.
        threshold: The threshold of the comparison.
        to_alarm: The number of values that must breach the threshold.
        missing: How to treat a period without data: `breaching`, `notBreaching`, `ignore` or
            `missing`.
    """

    comparison: str
    threshold: float
    to_alarm: int
    missing: str


def state_after(condition: Condition, values: Sequence[float | None], current: str) -> str:
    """Return an alarm's state.

    Args:
        condition: Its condition.
        values: The values of its evaluation periods; None for a period without data.
        current: The current state.
    """
    known = [value for value in values if value is not None]
    if not known and condition.missing == "missing":
        return INSUFFICIENT_DATA
    if not known and condition.missing == "ignore":
        return current
    breaching = len(values) - len(known) if condition.missing == "breaching" else 0
    compare = COMPARISONS[condition.comparison]
    breaching += sum(compare(value, condition.threshold) for value in known)
    if breaching >= condition.to_alarm:
        return ALARM
    unknown = len(values) - len(known)
    if condition.missing == "ignore" and breaching + unknown >= condition.to_alarm:
        return current  # the missing values could decide either way
    return OK
