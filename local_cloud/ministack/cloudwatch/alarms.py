"""Alarms: evaluated for their own metric and dimensions, at regular times.

MiniStack 1.5.33 evaluates an alarm only when a metric arrives, over all dimensions of the metric's
name, as one period. It has neither missing data nor DatapointsToAlarm. It publishes to a topic
without a check of the topic's policy.

Periods last as long as on AWS, because the metrics have real times. An alarm changes its state as
soon as the current period breaches the threshold.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch

from local_cloud.delivery import alarm as semantics
from local_cloud.ministack.emulator import topic_admits
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")

_CLOUDWATCH = "cloudwatch.amazonaws.com"


def install() -> None:
    """Attach the patches."""
    replace(cloudwatch, "_evaluate_alarm", lambda _: _evaluate)
    replace(cloudwatch, "_dispatch_alarm_actions", _permitted)


def evaluate_all() -> None:
    """Evaluate the alarms of every account and region."""
    for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
        set_request_account_id(account)
        set_request_region(region)
        try:
            _evaluate(alarm)
        except Exception:  # noqa: BLE001 - whatever it is, the other alarms have their turn
            _log.exception("the alarm %s cannot be evaluated", alarm.get("AlarmName"))


def _evaluate(alarm: dict[str, Any]) -> None:
    """Set an alarm's state by its metric, and notify its topics of a change."""
    periods = alarm.get("EvaluationPeriods", 1)
    condition = semantics.Condition(
        comparison=alarm.get("ComparisonOperator") or "",
        threshold=alarm.get("Threshold", 0.0),
        to_alarm=alarm.get("DatapointsToAlarm", periods),
        missing=alarm.get("TreatMissingData", "missing"),
    )
    if condition.comparison not in semantics.COMPARISONS:
        return  # an anomaly band, which the local cloud does not compute
    values = _values(alarm, periods)
    old = alarm["StateValue"]
    new = semantics.state_after(condition, values, old)
    if new == old:
        return
    reason = f"Threshold Crossed: {values} {condition.comparison} {condition.threshold}"
    if new == semantics.INSUFFICIENT_DATA:
        reason = "Insufficient Data: there are no datapoints"
    alarm |= {
        "StateValue": new,
        "StateReason": reason,
        "StateUpdatedTimestamp": int(time.time()),
    }
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _values(alarm: dict[str, Any], periods: int) -> list[float | None]:
    """Return the statistic of each evaluation period, the newest first; None without data."""
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    period, now = alarm.get("Period", 60), time.time()
    points: list[list[Any]] = [[] for _ in range(periods)]
    since = now - period * periods
    recent = [each for each in cloudwatch._metrics.get(key) or [] if each["Timestamp"] > since]
    for point in recent:
        place = math.floor((now - point["Timestamp"]) / period)
        if 0 <= place < periods:
            points[place].append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    return [
        cloudwatch._stat_value(cloudwatch._calc_stats(each), statistic, each) if each else None
        for each in points
    ]


def _permitted(dispatch: Callable[..., None]) -> Callable[..., None]:
    """Publish to a topic only if its policy allows CloudWatch for this alarm."""

    def dispatched(alarm: dict[str, Any], *change: Any) -> None:
        names = ("AlarmActions", "OKActions", "InsufficientDataActions")
        allowed = {
            name: [each for each in alarm.get(name) or [] if _may_publish(each, alarm)]
            for name in names
        }
        dispatch({**alarm, **allowed}, *change)

    return dispatched


def _may_publish(action: str, alarm: dict[str, Any]) -> bool:
    if not cloudwatch._is_sns_action_arn(action):
        return True
    permitted = topic_admits(action, _CLOUDWATCH, alarm["AlarmArn"])
    if not permitted:
        _log.error(
            "%s: %s does not exist, or its policy does not allow it", alarm["AlarmName"], action
        )
    return permitted
