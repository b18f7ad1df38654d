"""Fault injection on a running cloud."""

import json
from collections import Counter
from itertools import pairwise

import pytest

from local_cloud.delivery.delivery_log import Outcome
from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from local_cloud.errors import LocalCloudError
from tests.local_cloud.cloud_builder import DETAIL_TYPE, Function, Lab, attributes
from tests.local_cloud.conftest import QUICK

pytestmark = pytest.mark.deployed

ALWAYS = Share(1)


@pytest.fixture
def bus(calm: Lab) -> str:
    return calm.bus()


def numbers(function: Function) -> list[int]:
    return [call["event"]["detail"]["data"]["number"] for call in function.calls()]


def test_every_event_delivered_three_times(calm: Lab, bus: str) -> None:
    """Share 1 and 3 copies: each event runs three times, and is the same event each time."""
    function = calm.function()
    calm.rule(bus, function.arn)
    calm.control.set_faults(Plan(duplicate=Duplicate(1, copies=3)))
    ids = calm.publish(bus, 5)
    calm.settle()
    assert Counter(call["event"]["id"] for call in function.calls()) == dict.fromkeys(ids, 3)


def test_the_same_seed_loses_the_same_events(calm: Lab, bus: str) -> None:
    """A share of the events is lost, the same ones when it is done again with the seed."""
    function = calm.function()
    calm.rule(bus, function.arn)
    runs = []
    for seed in (7, 7, 8):
        plan = Plan(seed=seed, drop=Share(0.5), functions=(function.name,))
        calm.control.set_faults(plan)
        assert calm.control.faults() == plan
        before = len(function.calls())
        calm.publish(bus, 20)
        calm.settle()
        runs.append(sorted(numbers(function)[before:]))
    assert 0 < len(runs[0]) < 20
    assert runs[0] == runs[1] != runs[2]


def test_a_dropped_event_is_recorded_and_not_doomed(calm: Lab, bus: str) -> None:
    """An event that is sent again gets a new decision, and arrives in the end."""
    function = calm.function()
    calm.rule(bus, function.arn)
    calm.control.set_faults(Plan(drop=Share(0.7)))
    tries = 0
    while not function.calls():
        calm.publish(bus, correlation_id="order-6")
        calm.settle()
        tries += 1
        assert tries < 30
    outcomes = [record.outcome for record in calm.control.deliveries("order-6")]
    assert outcomes == ["dropped"] * (tries - 1) + ["delivered"]


def test_delayed_and_reordered_events_all_arrive(calm: Lab, bus: str) -> None:
    """Held back for different times, events overtake each other; none is lost."""
    function = calm.function()
    calm.rule(bus, function.arn)
    calm.control.set_faults(Plan(reorder=Hold(0.5, seconds=0.5), delay=Hold(0.2, seconds=0.5)))
    calm.publish(bus, 20)
    calm.settle()
    assert numbers(function) != sorted(numbers(function))
    assert sorted(numbers(function)) == [*range(20)]


def test_faults_are_for_the_named_functions_only(calm: Lab, bus: str) -> None:
    """Filters by function and by detail-type leave the others alone."""
    one, other = calm.function(), calm.function()
    calm.rule(bus, one.arn)
    calm.rule(bus, other.arn)
    calm.control.set_faults(Plan(drop=ALWAYS, functions=(one.name,), detail_types=(DETAIL_TYPE,)))
    calm.publish(bus)
    calm.control.set_faults(Plan(drop=ALWAYS, detail_types=("SomethingElse",)))
    calm.publish(bus)
    calm.settle()
    assert (len(one.calls()), len(other.calls())) == (1, 2)


def test_refusals_exhaust_the_targets_retry_policy(calm: Lab, bus: str) -> None:
    """EventBridge retries what may pass, then says in the queue which limit was reached."""
    function = calm.function()
    rule, rule_arn = calm.empty_rule(bus)
    undelivered = calm.queue(policy_for=rule_arn)
    calm.point(
        bus,
        rule,
        rule_arn,
        function.arn,
        DeadLetterConfig={"Arn": undelivered.arn},
        RetryPolicy={"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
    )
    calm.control.set_faults(Plan(refuse=ALWAYS))
    calm.publish(bus, correlation_id="order-7")
    calm.settle()
    [message] = calm.messages(undelivered)
    found = attributes(message)
    assert found["ERROR_CODE"] == "THROTTLING"
    assert found["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert found["RETRY_ATTEMPTS"] == "3"
    outcomes = [record.outcome for record in calm.control.deliveries("order-7")]
    assert outcomes == ["refused"] * 4 + ["dead-lettered"]
    assert function.calls() == []


def test_refusals_end_with_the_targets_event_age(calm: Lab, bus: str) -> None:
    """MaximumEventAgeInSeconds is the other limit."""
    function = calm.function()
    rule, rule_arn = calm.empty_rule(bus)
    undelivered = calm.queue(policy_for=rule_arn)
    calm.point(
        bus,
        rule,
        rule_arn,
        function.arn,
        DeadLetterConfig={"Arn": undelivered.arn},
        RetryPolicy={"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 60},
    )
    calm.control.set_faults(Plan(refuse=ALWAYS))
    calm.publish(bus)
    calm.settle()
    [message] = calm.messages(undelivered)
    assert attributes(message)["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


def test_a_refusal_that_passes_costs_nothing(calm: Lab, bus: str) -> None:
    """Refused now and then, each event still arrives, once."""
    function = calm.function()
    calm.rule(bus, function.arn)
    calm.control.set_faults(Plan(refuse=Share(0.5)))
    calm.publish(bus, 10)
    calm.settle()
    assert sorted(numbers(function)) == [*range(10)]


def test_a_function_killed_before_it_publishes(calm: Lab, bus: str) -> None:
    """Its process dies, nothing reaches the bus, and Lambda's retry publishes."""
    receiver = calm.function()
    calm.rule(bus, receiver.arn)
    publisher = calm.function(
        f"""
        import boto3
        boto3.client("events").put_events(Entries=[{{
            "EventBusName": "{bus}", "Source": "test.lab", "DetailType": "{DETAIL_TYPE}",
            "Detail": json.dumps(
                {{"metadata": {{"correlation_id": "ord_1", "event_id": "ord_1/order-created"}},
                 "data": {{"number": event}}}}
            ),
        }}])
        """
    )
    calm.control.set_faults(Plan(kill_before_publish=Kill(publisher.name, times=2)))
    for number in range(3):  # three processes publish at once, two of them die
        calm.awslambda.invoke(
            FunctionName=publisher.name, InvocationType="Event", Payload=json.dumps(number)
        )
    calm.settle()
    assert sorted(numbers(receiver)) == [0, 1, 2]
    assert len(publisher.calls()) == 5
    killed = [
        (each.function, each.origin.identity, each.origin.detail_type)
        for each in calm.control.deliveries("ord_1")
        if each.outcome is Outcome.KILLED
    ]
    assert killed == [(publisher.name, "ord_1/order-created", DETAIL_TYPE)] * 2
    for request, attempts in Counter(call["request"] for call in publisher.calls()).items():
        times = [call["time"] for call in publisher.calls() if call["request"] == request]
        assert all(later - earlier >= QUICK for earlier, later in pairwise(times)), attempts


def test_nonsense_is_refused_with_its_reason(lab: Lab) -> None:
    """The control API names what is wrong."""
    with pytest.raises(LocalCloudError, match="unknown fault: dorp; known: "):
        lab.control._ask("PUT", "faults", {"dorp": {"share": 1}})
    with pytest.raises(LocalCloudError, match="drop: share is 2, not between 0 and 1"):
        lab.control._ask("PUT", "faults", {"drop": {"share": 2}})
    assert lab.control.faults() is None


def test_put_events_refuses_entries_with_status_200(calm: Lab, bus: str) -> None:
    """The function sees FailedEntryCount; an event that is sent again gets through."""
    receiver = calm.function()
    calm.rule(bus, receiver.arn)
    publisher = calm.function(
        f"""
        import boto3
        entries = [{{
            "EventBusName": "{bus}", "Source": "test.lab", "DetailType": "{DETAIL_TYPE}",
            "Detail": json.dumps(
                {{"metadata": {{"event_id": f"event-{{number}}"}}, "data": {{"number": number}}}}
            ),
        }} for number in range(9)]
        while entries:
            answer = boto3.client("events").put_events(Entries=entries)
            failed = ["ErrorCode" in each for each in answer["Entries"]]
            assert answer["FailedEntryCount"] == sum(failed)
            print("failed", sum(failed))
            entries = [entry for entry, fails in zip(entries, failed) if fails]
        """
    )
    calm.control.set_faults(Plan(fail_entries=Share(0.5)))
    calm.publish(bus, 1)  # a person's events are not refused
    calm.awslambda.invoke(FunctionName=publisher.name, InvocationType="Event", Payload="{}")
    calm.settle()
    assert sorted(numbers(receiver)) == [0, *range(9)], "the person's event has the number 0, too"
    assert len(publisher.calls()) == 1
