"""Complete alarms in responses of the query protocol, which Terraform uses.

MiniStack 1.5.33 leaves out dimensions, statistic, period, actions and more, so that every plan
would change every alarm. PutMetricAlarm loses InsufficientDataActions.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from local_cloud.ministack.replacing import replace

_LISTS = ("AlarmNames", "AlarmTypes", "Dimensions")
_SINGLE = (
    *("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken", "Namespace", "MetricName"),
    *("ChildrenOfAlarmName", "ParentsOfAlarmName"),
)


def install() -> None:
    """Attach the patches."""
    for name, operation in (
        ("_describe_alarms", "DescribeAlarms"),
        ("_describe_alarms_for_metric", "DescribeAlarmsForMetric"),
    ):
        replace(cloudwatch, name, partial(_whole, operation))
    replace(cloudwatch, "_put_metric_alarm", _with_all_actions)


def _whole(operation: str, describe: Callable[..., Any]) -> Callable[..., Any]:
    def described(params: dict[str, Any], data: dict[str, Any], *protocol: bool) -> Any:
        if any(protocol):  # CBOR or JSON
            return describe(params, data, *protocol)
        status, _, body = describe({}, _asked(params), is_cbor=False, is_json=True)
        answer = json.loads(body)
        if status != HTTPStatus.OK:
            return describe(params, data, *protocol)
        for alarm in answer.get("MetricAlarms", []):
            if alarm.get("ExtendedStatistic"):
                alarm.pop("Statistic", None)
        result = f"{operation}Result"
        return cloudwatch._xml(status, f"{operation}Response", _element(result, answer))

    return described


def _asked(params: dict[str, Any]) -> dict[str, Any]:
    """Return a request of the query protocol as JSON's types."""
    asked: dict[str, Any] = {
        name: value for name in _SINGLE if (value := cloudwatch._p(params, name))
    }
    for name in _LISTS:
        if members := _members(params, name):
            asked[name] = members
    return asked


def _members(params: dict[str, Any], name: str) -> list[str]:
    found: list[str] = []
    while value := cloudwatch._p(params, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


def _element(name: str, value: Any) -> str:
    """Return a value as XML of the query protocol; nothing for None and for empty text."""
    if value is None or value == "":
        return ""
    if isinstance(value, dict):
        inner = "".join(_element(key, each) for key, each in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("member", each) for each in value)
    elif isinstance(value, bool):
        inner = str(value).lower()
    elif name.endswith("Timestamp") and isinstance(value, int | float):
        inner = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _with_all_actions(put: Callable[..., Any]) -> Callable[..., Any]:
    def stored(params: dict[str, Any], data: dict[str, Any], *protocol: bool) -> Any:
        answer = put(params, data, *protocol)
        alarm = cloudwatch._alarms.get(cloudwatch._p(params, "AlarmName"))
        if alarm is not None and not any(protocol):
            alarm["InsufficientDataActions"] = _members(params, "InsufficientDataActions")
        return answer

    return stored
