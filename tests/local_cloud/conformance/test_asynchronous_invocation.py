"""Lambda's asynchronous invocations."""

import pytest

from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed


@documented(
    "Lambda",
    "An event from a rule whose function fails is tried three times.",
    "Lambda Developer Guide, Asynchronous invocation",
    ministack="tries once",
)
def test_an_event_of_a_failing_function_is_tried_three_times(lab):
    function = lab.function("raise RuntimeError('no')")
    bus = lab.bus()
    lab.rule(bus, function.arn)
    lab.publish(bus)
    assert lab.eventually(lambda: len(function.calls()) == 3)
