"""How events reach functions, as AWS documents it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.local_cloud.cloud_builder import Lab, attributes, bundle, eventually
from tests.local_cloud.conftest import LEARNERS_SHELL, QUICK

pytestmark = pytest.mark.deployed


def test_a_handlers_error_is_retried_twice_and_then_recorded(lab: Lab) -> None:
    """Lambda retries a handler's error after one and two minutes, then sends AWS's record."""
    failed = lab.queue()
    function = lab.function("raise KeyError('no such thing')", on_failure=failed)
    bus = lab.bus()
    lab.rule(bus, function.arn)
    [event_id] = lab.publish(bus, correlation_id="order-1")
    lab.settle()

    calls = function.calls()
    waits = [after["time"] - before["time"] for before, after in pairwise(calls)]
    assert len(calls) == 3
    assert waits[0] >= QUICK
    assert waits[1] >= 2 * QUICK
    assert len({call["request"] for call in calls}) == 1

    [message] = lab.messages(failed)
    record = json.loads(message["Body"])
    assert attributes(message) == {}
    assert record.pop("timestamp").endswith("Z")
    assert record["requestPayload"]["id"] == event_id
    assert record["requestPayload"] == calls[0]["event"]
    payload = record.pop("responsePayload")
    assert payload["errorType"] == "KeyError"
    assert payload["errorMessage"] == "'no such thing'"
    assert payload["requestId"] == calls[0]["request"]
    assert "in handler" in payload["stackTrace"][-1]
    del record["requestPayload"]
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": calls[0]["request"],
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
    }


def test_a_functions_own_number_of_retries_is_honoured(lab: Lab) -> None:
    """MaximumRetryAttempts 0: one attempt, and the record says so."""
    failed = lab.queue()
    function = lab.function("raise ValueError", on_failure=failed, retries=0)
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"a": 1}')
    lab.settle()
    [message] = lab.messages(failed)
    record = json.loads(message["Body"])
    assert len(function.calls()) == 1
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"a": 1}


def test_an_event_is_given_up_when_it_is_too_old(lab: Lab) -> None:
    """MaximumEventAgeInSeconds is over before the second retry: EventAgeExceeded."""
    failed = lab.queue()
    function = lab.function("raise ValueError", on_failure=failed, event_age=120)
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    lab.settle()
    [message] = lab.messages(failed)
    context = json.loads(message["Body"])["requestContext"]
    assert context["condition"] == "EventAgeExceeded"
    assert context["approximateInvokeCount"] == len(function.calls()) == 2


def test_throttled_events_wait_and_none_is_lost(lab: Lab) -> None:
    """More events than reserved concurrency: they are tried again until there is room."""
    function = lab.function("time.sleep(0.05)")
    lab.awslambda.invoke(FunctionName=function.name)  # so that it is warm
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=1
    )
    bus = lab.bus()
    lab.rule(bus, function.arn)
    lab.publish(bus, 5, correlation_id="order-5")
    lab.settle()
    numbers = [call["event"]["detail"]["data"]["number"] for call in function.calls()[1:]]
    assert sorted(numbers) == [*range(5)]
    outcomes = {record.outcome for record in lab.control.deliveries("order-5")}
    assert outcomes == {"throttled", "delivered"}


def test_throttling_ends_with_the_events_age(lab: Lab) -> None:
    """A function that has no room for as long as the event lives: EventAgeExceeded, never run."""
    failed = lab.queue()
    function = lab.function("time.sleep(1)", on_failure=failed, event_age=60)
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=1
    )
    for number in (1, 2):
        lab.awslambda.invoke(
            FunctionName=function.name, InvocationType="Event", Payload=json.dumps(number)
        )
    lab.settle()
    [message] = lab.messages(failed)
    record = json.loads(message["Body"])
    assert len(function.calls()) == 1
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["responseContext"]["statusCode"] == 429


def test_reserved_concurrency_zero_is_an_off_switch(lab: Lab) -> None:
    """Events go straight to the on-failure destination; the function never runs."""
    failed = lab.queue()
    function = lab.function(on_failure=failed)
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    bus = lab.bus()
    lab.rule(bus, function.arn)
    [event_id] = lab.publish(bus)
    lab.settle()
    [message] = lab.messages(failed)
    record = json.loads(message["Body"])
    assert function.calls() == []
    assert record["requestPayload"]["id"] == event_id
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_two_different_failures_land_in_two_different_queues(lab: Lab) -> None:
    """A handler's exception never reaches the target's queue, a missing permission never the
    function's destination."""
    bus, failed = lab.bus(), lab.queue()
    function = lab.function("raise ValueError", on_failure=failed, retries=0)
    rule, rule_arn = lab.empty_rule(bus)
    undelivered = lab.queue(policy_for=rule_arn)
    dead_letter = {"DeadLetterConfig": {"Arn": undelivered.arn}}
    lab.point(bus, rule, rule_arn, function.arn, permitted=False, **dead_letter)
    [first] = lab.publish(bus)
    lab.point(bus, rule, rule_arn, function.arn, permitted=True, **dead_letter)
    [second] = lab.publish(bus)
    lab.settle()
    [from_events], [from_lambda] = lab.messages(undelivered), lab.messages(failed)
    assert json.loads(from_events["Body"])["id"] == first
    assert json.loads(from_lambda["Body"])["requestPayload"]["id"] == second


def test_a_missing_permission_goes_to_the_targets_queue_at_once(lab: Lab) -> None:
    """No retry; the body is the raw event, the attributes name rule, target and reason."""
    bus, function = lab.bus(), lab.function()
    rule, rule_arn = lab.empty_rule(bus)
    undelivered = lab.queue(policy_for=rule_arn)
    dead_letter = {"DeadLetterConfig": {"Arn": undelivered.arn}}
    lab.point(bus, rule, rule_arn, function.arn, permitted=False, **dead_letter)
    [event_id] = lab.publish(bus, correlation_id="order-2")
    [message] = lab.messages(undelivered)  # without waiting

    found = attributes(message)
    assert "lambda:InvokeFunction" in found.pop("ERROR_MESSAGE")
    assert found == {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": function.arn,
        "ERROR_CODE": "NO_PERMISSIONS",
    }
    event = json.loads(message["Body"])
    assert (event["id"], event["source"], event["detail-type"]) == (
        event_id,
        "test.lab",
        "Happened",
    )
    assert event["detail"]["metadata"]["correlation_id"] == "order-2"
    assert function.calls() == []


def test_a_permission_for_another_rule_is_no_permission(lab: Lab) -> None:
    """The function's policy is checked with the rule's ARN."""
    bus, function = lab.bus(), lab.function()
    lab.rule(lab.bus(), function.arn)
    rule, rule_arn = lab.empty_rule(bus)
    undelivered = lab.queue(policy_for=rule_arn)
    dead_letter = {"DeadLetterConfig": {"Arn": undelivered.arn}}
    lab.point(bus, rule, rule_arn, function.arn, permitted=False, **dead_letter)
    lab.publish(bus)
    assert len(lab.messages(undelivered)) == 1
    assert function.calls() == []


def test_a_missing_function_goes_to_the_targets_queue(lab: Lab) -> None:
    """A target that is gone is no resource, and not worth a retry."""
    bus, function = lab.bus(), lab.function()
    rule, rule_arn = lab.empty_rule(bus)
    undelivered = lab.queue(policy_for=rule_arn)
    lab.point(bus, rule, rule_arn, function.arn, DeadLetterConfig={"Arn": undelivered.arn})
    lab.awslambda.delete_function(FunctionName=function.name)
    lab.publish(bus)
    [message] = lab.messages(undelivered)
    assert attributes(message)["ERROR_CODE"] == "NO_RESOURCE"


def test_a_queue_that_does_not_admit_eventbridge_gets_nothing(lab: Lab) -> None:
    """The queue's own policy must allow events.amazonaws.com for this rule; else it is dropped."""
    bus, function = lab.bus(), lab.function()
    rule, rule_arn = lab.empty_rule(bus)
    strict = lab.queue(policy_for=f"{rule_arn}-but-another")
    dead_letter = {"DeadLetterConfig": {"Arn": strict.arn}}
    lab.point(bus, rule, rule_arn, function.arn, permitted=False, **dead_letter)
    lab.publish(bus, correlation_id="order-3")
    assert lab.messages(strict) == []
    [record] = lab.control.deliveries("order-3")
    assert (record.outcome, record.reason) == ("dropped", "NO_PERMISSIONS")


def test_a_role_that_may_not_send_loses_the_record(lab: Lab) -> None:
    """The destination is written with the function's role; a failure is counted as AWS counts."""
    failed = lab.queue()
    function = lab.function("raise ValueError", on_failure=failed, retries=0)
    # AWS does not configure a destination that the role may not use; it may lose the permission.
    role = lab.awslambda.get_function_configuration(FunctionName=function.name)["Role"]
    lab.iam.delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="all")
    bus = lab.bus()
    lab.rule(bus, function.arn)
    lab.publish(bus, correlation_id="order-4")
    lab.settle()
    assert lab.messages(failed) == []
    assert [record.outcome for record in lab.control.deliveries("order-4")] == ["failed", "dropped"]
    metrics = lab.cloudwatch.list_metrics(
        Namespace="AWS/Lambda",
        MetricName="DestinationDeliveryFailures",
        Dimensions=[{"Name": "FunctionName", "Value": function.name}],
    )
    assert len(metrics["Metrics"]) == 1


def test_a_functions_dead_letter_queue_gets_the_event_alone(lab: Lab) -> None:
    """DeadLetterConfig, the older way: the event, with AWS's three attributes."""
    dead = lab.queue()
    function = lab.function(
        "raise ValueError('broken')", retries=0, DeadLetterConfig={"TargetArn": dead.arn}
    )
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"a": 1}')
    lab.settle()
    [message] = lab.messages(dead)
    assert json.loads(message["Body"]) == {"a": 1}
    assert attributes(message) == {
        "RequestID": function.calls()[0]["request"],
        "ErrorCode": "200",
        "ErrorMessage": "broken",
    }


def test_new_code_is_used_by_the_next_retry(lab: Lab) -> None:
    """A function repaired between two attempts handles the event."""
    failed = lab.queue()
    function = lab.function("raise ValueError", on_failure=failed)
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    eventually(function.calls)
    lab.awslambda.update_function_code(
        FunctionName=function.name,
        ZipFile=bundle({"index.py": "def handler(event, context):\n    return 'fine'\n"}),
    )
    lab.settle()
    assert len(function.calls()) == 1
    assert lab.messages(failed) == []


def test_a_crash_and_a_timeout_are_errors_of_the_function(lab: Lab) -> None:
    """They read as on Lambda: Runtime.ExitError, Sandbox.Timedout."""
    failed = lab.queue()
    for body in ("os._exit(1)", "time.sleep(5)"):
        function = lab.function(body, on_failure=failed, retries=0, Timeout=1)
        lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    lab.settle()
    payloads = [json.loads(message["Body"])["responsePayload"] for message in lab.messages(failed)]
    assert {payload["errorType"] for payload in payloads} == {
        "Runtime.ExitError",
        "Sandbox.Timedout",
    }
    assert any("Task timed out after 1.00 seconds" in it["errorMessage"] for it in payloads)


def test_metrics_count_every_attempt(lab: Lab) -> None:
    """Alarms on Errors see asynchronous failures."""
    function = lab.function("raise ValueError", retries=1)
    bus = lab.bus()
    lab.rule(bus, function.arn)
    lab.publish(bus)
    lab.settle()
    now = datetime.now(UTC)
    [point] = lab.cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": function.name}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert point["Sum"] == 2


def test_a_transformed_input_reaches_the_function(lab: Lab) -> None:
    """What the target's InputPath selects is the payload."""
    bus, function = lab.bus(), lab.function()
    lab.rule(bus, function.arn, InputPath="$.detail.data")
    lab.publish(bus)
    lab.settle()
    assert function.calls()[0]["event"] == {"number": 0}


def test_the_learners_environment_does_not_reach_functions(lab: Lab) -> None:
    """Neither the repository's packages nor variables of the shell are visible to a function."""
    function = lab.function(
        """
        import importlib.util
        packages = ["workshop", "orderflow", "typer", "aws_lambda_powertools", "pytest"]
        found = [name for name in packages if importlib.util.find_spec(name)]
        return {"packages": found, "variables": dict(os.environ)}
        """
    )
    answer = json.loads(lab.awslambda.invoke(FunctionName=function.name)["Payload"].read())
    assert answer["packages"] == []
    assert answer["variables"].pop("AWS_ENDPOINT_URL") == lab.endpoint_url
    assert not set(answer["variables"]) & set(LEARNERS_SHELL)


def test_logs_of_asynchronous_executions_are_in_cloudwatch(lab: Lab) -> None:
    """What a function prints is found in its log group, under the request's id."""
    function = lab.function("print('it happened')")
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"{}")
    lab.settle()
    events = lab.logs.filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    messages = [event["message"] for event in events]
    assert "it happened\n" in messages
    assert messages[1].startswith(f"START RequestId: {function.calls()[0]['request']}")


def test_a_process_outlives_its_handlers_error(lab: Lab) -> None:
    """A function's memory survives an error; after a crash a new process starts."""
    counting = """
    import kept
    kept.count += 1
    if event == "raise": raise ValueError("no")
    if event == "die": __import__("os")._exit(1)
    return kept.count
    """
    function = lab.function(counting, files={"kept.py": "count = 0"})

    def invoke(event: str) -> Any:
        answer = lab.awslambda.invoke(FunctionName=function.name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    assert [invoke("count"), invoke("raise")["errorType"], invoke("count")] == [1, "ValueError", 3]
    assert [invoke("die")["errorType"], invoke("count")] == ["Runtime.ExitError", 1]
