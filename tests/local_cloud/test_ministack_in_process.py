"""Patches of MiniStack in a process of their own, without a server: what no request can show."""

import subprocess
from pathlib import Path

import pytest

from workshop.paths import ROOT

pytestmark = pytest.mark.deployed

PREPARE = f"""
import sys; sys.path.append({str(ROOT)!r})
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb
from local_cloud.ministack.cloudwatch import alarms, points
from local_cloud.ministack.dynamodb import speed
from local_cloud.ministack.logs import ingestion, streams
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
    "logs that wait are ingested in their order; a broken one stops no other": """
ingested = []
ingestion.later(lambda: ingested.append("first"))
ingestion.later(lambda: 1 / 0)
ingestion.later(lambda: ingested.append("last"))
assert ingested == []
ingestion.catch_up()
assert ingested == ["first", "last"]
""",
    "a log waits in the account and the region of its function": """
from ministack.core.responses import get_region, set_request_region
regions = []
set_request_region("eu-west-1")
ingestion.later(lambda: regions.append(get_region()))
set_request_region("us-west-2")
ingestion.catch_up()
assert regions == ["eu-west-1"], regions
""",
    "what is stored has the logs that waited": """
from local_cloud.ministack import service_state
ingestion.later(lambda: streams.write({"FunctionName": "any"}, "stream", [(1, "a line")]))
assert b"a line" in service_state.collect()
""",
    "only so many logs wait": """
ingested = []
for number in range(ingestion.MOST_WAITING):
    assert ingested == []
    ingestion.later(lambda: ingested.append("one"))
assert len(ingested) == ingestion.MOST_WAITING
""",
    "a copy is deep, and of the same type": """
from collections import defaultdict
plain = {"lines": {"L": [{"M": {"sku": {"S": "MOUSE"}}}]}}
for value in (plain, defaultdict(dict, plain)):
    copied = speed.deepcopy(value)
    assert copied == value and type(copied) is type(value)
    copied["lines"]["L"].append("more")
    assert len(value["lines"]["L"]) == 1
""",
    "a number has the form that it had without our memory": """
numbers = ["1", "001", "1.50", "-0", "1e3", "x", "", None, ["1"], "9" * 39]
before = [dynamodb._ddb_canonicalize_number(each) for each in numbers]
speed.install()
assert [dynamodb._ddb_canonicalize_number(each) for each in numbers * 2] == before * 2
assert before[:5] == ["1", "1", "1.5", "0", "1000"], before
""",
    "an update is too large exactly when it was without our estimate": """
given = [
    (f"SET a = if_not_exists({'#n' * bool(names)}{'b' * (not names)}, :v) ADD c :one", names, size)
    for names in ({}, {"#n": "n" * 50_000})
    for size in (1, 1000, 100_000, 300_000, 409_000, 410_000)
]
limit = dynamodb._DDB_ITEM_MAX_BYTES
def too_large():
    return [
        dynamodb._update_request_charge(
            text, {":v": {"S": "x" * size}, ":one": {"N": "1"}}, names, {}
        ) > limit
        for text, names, size in given
    ]
before = too_large()
assert 0 < sum(before) < len(before)
speed.install()
assert too_large() == before
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
