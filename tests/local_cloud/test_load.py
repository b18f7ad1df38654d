"""A laptop's few cores under many events: bounded, and nothing is lost."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_cloud.settings import Settings
from tests.local_cloud.cloud_builder import Function, Lab
from tests.local_cloud.conftest import PATIENCE

pytestmark = pytest.mark.deployed

MANY = 300

SLOWLY = """
began = time.time()
print("at work")
time.sleep(0.02)
with open(os.environ["CALLS"] + ".ended", "a") as spans:
    spans.write(json.dumps([began, time.time()]) + "\\n")
"""


def most_at_once(function: Function) -> int:
    """How many executions overlapped at the busiest moment."""
    text = function.notes.with_name(function.notes.name + ".ended").read_text()
    spans = [json.loads(line) for line in text.splitlines()]
    moments = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    return most(moments)


def most(moments: Sequence[tuple[float, int]]) -> int:
    now = highest = 0
    for _, change in moments:
        now += change
        highest = max(highest, now)
    return highest


def test_a_burst_of_events_is_bounded_and_loses_none(lab: Lab) -> None:
    """300 events at once: each runs once, a few at a time, in a few processes."""
    function = lab.function(SLOWLY)
    bus = lab.bus()
    lab.rule(bus, function.arn)
    before = lab.control.status()
    lab.publish(bus, MANY)
    lab.settle(60)

    calls = function.calls()
    assert sorted(call["event"]["detail"]["data"]["number"] for call in calls) == [*range(MANY)]
    assert most_at_once(function) <= Settings.concurrency
    assert len({call["pid"] for call in calls}) <= Settings.concurrency
    after = lab.control.status()
    assert after.totals["delivered"] - before.totals["delivered"] == MANY


def test_a_burst_of_requests_is_bounded_and_all_are_answered(lab: Lab) -> None:
    """300 synchronous invocations at once wait their turn instead of starting 300 interpreters."""
    function = lab.function(SLOWLY)

    def invoke(number: int) -> int:
        answer = lab.awslambda.invoke(FunctionName=function.name, Payload=json.dumps(number))
        return int(answer["StatusCode"])

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(invoke, range(MANY))) == {200}
    assert sorted(call["event"] for call in function.calls()) == [*range(MANY)]
    assert most_at_once(function) <= Settings.concurrency
    assert len({call["pid"] for call in function.calls()}) <= Settings.concurrency


def test_functions_that_invoke_functions_do_not_block_each_other(lab: Lab) -> None:
    """With every turn taken by a caller that waits, the ones waited for run all the same."""
    inner = lab.function("time.sleep(0.3)")
    outer = lab.function(
        """
        import boto3
        answer = boto3.client("lambda").invoke(FunctionName=event)
        return answer["StatusCode"]
        """,
    )
    started = time.monotonic()

    def invoke(_: int) -> int:
        answer = lab.awslambda.invoke(FunctionName=outer.name, Payload=json.dumps(inner.name))
        return int(json.loads(answer["Payload"].read()))

    with ThreadPoolExecutor(Settings.concurrency) as pool:
        assert list(pool.map(invoke, range(Settings.concurrency))) == [200] * Settings.concurrency
    assert time.monotonic() - started < PATIENCE
