"""Patches of MiniStack in a process of their own, without a server: what no request can show."""

import subprocess
from pathlib import Path

import pytest

from workshop.paths import ROOT

pytestmark = pytest.mark.deployed

PREPARE = f"""
import sys; sys.path.append({str(ROOT)!r})
from ministack.services import cloudwatch, cloudwatch_logs
from local_cloud.ministack.cloudwatch import alarms, points
from local_cloud.ministack.logs import streams
points.install()
alarms.install()
"""

CASES = {
    "thousands of values of a metric take little memory": """
for number in range(2 * points.MOST_POINTS):
    cloudwatch.record_metric("any", "Duration", float(number))
[kept] = cloudwatch._metrics.values()
assert len(kept) < 1.1 * points.MOST_POINTS, len(kept)
assert kept[-1]["Value"] == 2 * points.MOST_POINTS - 1
""",
    "a log group keeps its newest events, whichever stream has them": """
config = {"FunctionName": "any"}
for number in range(streams.MOST_EVENTS + 3 * streams.MOST_EVENTS // 10):
    streams.write(config, f"stream-{number // 100 % 7}", [(number, f"line {number}")])
group = cloudwatch_logs._log_groups["/aws/lambda/any"]["streams"]
kept = sorted(event["timestamp"] for each in group.values() for event in each["events"])
assert kept == list(range(kept[0], number + 1)), "the newest, without a gap"
assert streams.MOST_EVENTS <= len(kept) < 1.1 * streams.MOST_EVENTS, len(kept)
""",
    "a broken alarm stops no other": """
cloudwatch.record_metric("any", "Errors", 1.0)
whole = {"AlarmName": "whole", "Namespace": "any", "MetricName": "Errors", "Statistic": "Sum",
         "AlarmArn": "any", "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold",
         "StateValue": "OK", "Period": 60}
cloudwatch._alarms["broken"] = {**whole, "AlarmName": "broken", "Period": "a minute"}
cloudwatch._alarms["whole"] = whole
alarms.evaluate_all()
assert whole["StateValue"] == "ALARM"
""",
}


@pytest.mark.parametrize("code", CASES.values(), ids=CASES)
def test_a_patch_does_what_no_request_shows(local_cloud_python: Path, code: str) -> None:
    subprocess.run([str(local_cloud_python), "-I", "-c", PREPARE + code], check=True, env={})
