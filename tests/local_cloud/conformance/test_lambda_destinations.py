"""Destinations of asynchronous invocations: which can be configured, and what arrives there."""

import json

import pytest

from local_cloud.process import ACCOUNT_ID
from tests.local_cloud.cloud_builder import REGION, attributes, bus_arn
from tests.local_cloud.conformance.marks import LOCALSTACK, differs, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

EXCEPTIONS = f"{LOCALSTACK}, TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_exceptions"
LIFECYCLE = f"{LOCALSTACK}, TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_lifecycle"
SQS_RECORD = f"{LOCALSTACK}, TestLambdaDestinationSqs::test_assess_lambda_destination_invocation"
BUS_RECORD = f"{LOCALSTACK}, TestLambdaDestinationEventbridge::test_invoke_lambda_eventbridge"
GUIDE = "Lambda Developer Guide, Capturing records of Lambda asynchronous invocations"


def arn(service, name):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{name}"


def sends_to(lab, destination, *, when="OnSuccess", body="return {'paid': True}", retries=0):
    """A function with one destination."""
    function = lab.function(body)
    lab.awslambda.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=retries,
        DestinationConfig={when: {"Destination": destination}},
    )
    return function


def invoke(lab, function):
    answer = lab.awslambda.invoke(
        FunctionName=function.name, InvocationType="Event", Payload=b'{"order": 1}'
    )
    return answer["ResponseMetadata"]["RequestId"]


@recorded(
    "Lambda",
    "A destination that is missing, of another service, or the function itself is refused.",
    EXCEPTIONS,
    ministack="accepts most of them",
)
@pytest.mark.parametrize("when", ["OnSuccess", "OnFailure"])
@pytest.mark.parametrize(
    ("destination", "message"),
    [
        (arn("sqs", "missing"), "The destination ARN {} is invalid."),
        (arn("sns", "missing"), "The destination ARN {} is invalid."),
        (arn("lambda", "function:missing"), "The destination ARN {} is invalid."),
        (arn("events", "event-bus/missing"), "The destination ARN {} is invalid."),
        (arn("iam", "function:itself"), "The provided destination config"),
        ("itself", "You can't specify the function as a destination for itself."),
    ],
    ids=["queue", "topic", "function", "bus", "service", "itself"],
)
def test_a_destination_that_cannot_work_is_refused(lab, destination, message, when):
    function = lab.function()
    destination = function.arn if destination == "itself" else destination
    code, words = refusal(
        lab.awslambda.put_function_event_invoke_config,
        FunctionName=function.name,
        DestinationConfig={when: {"Destination": destination}},
    )
    assert code == "InvalidParameterValueException"
    assert words.startswith(message.format(destination))


@documented(
    "Lambda",
    "A destination that the function's role may not use is refused.",
    GUIDE,
    ministack="accepts it, and drops the record",
)
def test_a_destination_that_the_role_may_not_use_is_refused(lab):
    code, words = refusal(
        lab.awslambda.put_function_event_invoke_config,
        FunctionName=lab.function(may=None).name,
        DestinationConfig={"OnFailure": {"Destination": lab.queue().arn}},
    )
    assert code == "InvalidParameterValueException"
    assert "does not have permissions to call SendMessage" in words


@documented(
    "Lambda",
    "A dead-letter queue that the function's role may not use is refused.",
    "Lambda Developer Guide, Adding a dead-letter queue",
    ministack="accepts it",
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_dead_letter_queue_that_the_role_may_not_use_is_refused(lab, operation):
    settings = {"DeadLetterConfig": {"TargetArn": lab.queue().arn}}

    def create():
        lab.function(may=None, **settings)

    def update():
        name = lab.function(may=None).name
        lab.awslambda.update_function_configuration(FunctionName=name, **settings)

    assert refusal({"create": create, "update": update}[operation]) == (
        "InvalidParameterValueException",
        "The provided execution role does not have permissions to call SendMessage on SQS",
    )


@recorded(
    "Lambda",
    "Settings of a missing function, without a value or out of range are refused.",
    EXCEPTIONS,
    ministack="accepts them",
)
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "InvalidParameterValueException"),
        ({"MaximumRetryAttempts": 3}, "ValidationException"),
        ({"MaximumRetryAttempts": -1}, "ValidationException"),
        ({"MaximumEventAgeInSeconds": 59}, "ValidationException"),
        ({"MaximumEventAgeInSeconds": 21601}, "ValidationException"),
    ],
    ids=["none", "retries", "negative", "young", "old"],
)
def test_settings_out_of_range_are_refused(lab, settings, code):
    put = lab.client("lambda", validates=False).put_function_event_invoke_config
    assert refusal(put, FunctionName=lab.function().name, **settings)[0] == code


@recorded(
    "Lambda",
    "UpdateFunctionEventInvokeConfig changes what is given; Put replaces all.",
    LIFECYCLE,
    ministack="does not know the operation",
)
def test_an_update_changes_what_is_given(lab):
    name = lab.function().name
    put, update = (
        lab.awslambda.put_function_event_invoke_config,
        lab.awslambda.update_function_event_invoke_config,
    )
    assert (
        "doesn't have an EventInvokeConfig"
        in refusal(update, FunctionName=name, MaximumRetryAttempts=1)[1]
    )
    put(FunctionName=name, MaximumEventAgeInSeconds=60)
    changed = update(FunctionName=name, MaximumRetryAttempts=1)
    assert (changed["MaximumEventAgeInSeconds"], changed["MaximumRetryAttempts"]) == (60, 1)
    assert changed["FunctionArn"].endswith(f":{name}:$LATEST")
    replaced = put(FunctionName=name, MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in replaced


@recorded(
    "Lambda",
    "An event that was delivered leaves its record at the success destination.",
    SQS_RECORD,
    ministack="drops it",
)
def test_a_success_leaves_its_record_in_a_queue(lab):
    queue = lab.queue()
    function = sends_to(lab, queue.arn)
    request_id = invoke(lab, function)
    [message] = lab.eventually(lambda: lab.messages(queue))
    record = json.loads(message["Body"])
    assert record.pop("timestamp")
    assert attributes(message) == {}
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"order": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"paid": True},
    }


@recorded(
    "Lambda",
    "A record for an event bus is an event of source lambda.",
    BUS_RECORD,
    ministack="drops it",
)
@pytest.mark.parametrize(
    ("when", "body", "word"),
    [("OnSuccess", "return 1", "Success"), ("OnFailure", "raise ValueError", "Failure")],
)
def test_a_record_is_put_on_a_bus(lab, when, body, word):
    bus, seen = lab.bus(), lab.function()
    rule = lab.name("rule")
    rule_arn = lab.events.put_rule(
        Name=rule, EventBusName=bus, EventPattern=json.dumps({"source": ["lambda"]})
    )["RuleArn"]
    lab.point(bus, rule, rule_arn, seen.arn)
    function = sends_to(lab, bus_arn(bus), when=when, body=body)
    invoke(lab, function)
    [call] = lab.eventually(seen.calls)
    event = call["event"]
    assert event["detail-type"] == f"Lambda Function Invocation Result - {word}"
    assert event["resources"] == [bus_arn(bus), f"{function.arn}:$LATEST"]
    assert event["detail"]["requestPayload"] == {"order": 1}


@documented("Lambda", "A function as a destination gets the record.", GUIDE, ministack="drops it")
@pytest.mark.parametrize(
    ("when", "body"), [("OnSuccess", "return 1"), ("OnFailure", "raise ValueError")]
)
def test_a_record_is_sent_to_a_function(lab, when, body):
    seen = lab.function()
    invoke(lab, sends_to(lab, seen.arn, when=when, body=body, retries=1))
    [call] = lab.eventually(seen.calls)
    context = call["event"]["requestContext"]
    assert context["approximateInvokeCount"] == (1 if when == "OnSuccess" else 2)


@documented("Lambda", "A topic as a destination gets the record.", GUIDE, ministack="drops it")
def test_a_record_is_sent_to_a_topic(lab):
    sns, queue = lab.client("sns"), lab.queue(policy=None)
    topic = sns.create_topic(Name=lab.name("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": queue.arn}
    lab.sqs.set_queue_attributes(
        QueueUrl=queue.url,
        Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})},
    )
    invoke(lab, sends_to(lab, topic))
    [message] = lab.eventually(lambda: lab.messages(queue))
    record = json.loads(json.loads(message["Body"])["Message"])
    assert record["requestContext"]["condition"] == "Success"


@recorded(
    "Lambda",
    "An event whose next try would be too late is given up at once.",
    f"{LOCALSTACK}, TestLambdaDestinationSqs::test_maxeventage",
    ministack="has no event age",
)
def test_an_event_too_old_for_its_next_try_is_given_up(lab):
    queue = lab.queue()
    function = lab.function("raise ValueError", on_failure=queue, retries=2, event_age=60)
    invoke(lab, function)
    [message] = lab.eventually(lambda: lab.messages(queue))
    context = json.loads(message["Body"])["requestContext"]
    assert context["condition"] == "EventAgeExceeded"
    assert context["approximateInvokeCount"] == 1


@differs(
    "Lambda",
    aws="An S3 bucket can be a destination for failures.",
    here="It is refused.",
    why="The workshop uses none.",
)
def test_a_bucket_as_a_destination_is_refused(lab):
    code, _ = refusal(
        lab.awslambda.put_function_event_invoke_config,
        FunctionName=lab.function().name,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::bucket"}},
    )
    assert code == "InvalidParameterValueException"
