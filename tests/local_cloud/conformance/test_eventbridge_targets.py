"""What EventBridge does with an event for a target that is no function."""

import json

import pytest

from tests.local_cloud.cloud_builder import ACCOUNT_ID, DETAIL_TYPE, REGION, SOURCE, attributes
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded

pytestmark = pytest.mark.deployed

INPUTS = f"{LOCALSTACK}, events/test_events_inputs"
GUIDE = "EventBridge User Guide"
RESOURCE_POLICIES = f"{GUIDE}, Using resource-based policies"
DEAD_LETTERS = f"{GUIDE}, Using dead-letter queues to process undelivered events"

DETAIL = {
    "command": "update-account",
    "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"},
    "valid": True,
    "listsingle": ["HIGH"],
    "listmulti": ["ACTIVE", "INACTIVE"],
}
"""The detail of LocalStack's recorded events."""

PATHS = {
    "userId": "$.detail.payload.acc_id",
    "payload": "$.detail.payload",
    "valid": "$.detail.valid",
    "listsingle": "$.detail.listsingle",
    "listmulti": "$.detail.listmulti",
    "missing": "$.detail.notexisting",
}


def publish(lab, bus):
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(DETAIL)}
    lab.events.put_events(Entries=[{**entry, "EventBusName": bus}])
    lab.settle()


def missing_queue(lab):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{lab.name('nosuch')}"


def undelivered(lab, target_arn):
    """Publish for a target that gets nothing; return the dead letter, with its attributes."""
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    dead = lab.queue(policy_for=rule_arn)
    target = {"DeadLetterConfig": {"Arn": dead.arn}}
    lab.point(bus, rule, rule_arn, target_arn, permitted=False, **target)
    publish(lab, bus)
    [message] = lab.messages(dead)
    return json.loads(message["Body"]), attributes(message), rule_arn


@documented(
    "EventBridge",
    "A queue gets events only if its policy lets EventBridge send for the rule.",
    RESOURCE_POLICIES,
    ministack="checks no policy",
)
@pytest.mark.parametrize("policy", ["none", "for another rule"])
def test_a_queue_that_does_not_admit_the_rule_gets_nothing(lab, policy):
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    queue = lab.queue(policy_for=None if policy == "none" else f"{rule_arn}-other")
    lab.point(bus, rule, rule_arn, queue.arn, permitted=False)
    publish(lab, bus)
    assert lab.messages(queue) == []


@recorded(
    "EventBridge",
    "A queue gets the event if its policy allows the rule.",
    f"{LOCALSTACK}, events/test_events_targets, test_put_events_with_target_sqs",
)
def test_a_queue_that_admits_the_rule_gets_the_event(lab):
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    queue = lab.queue(policy_for=rule_arn)
    lab.point(bus, rule, rule_arn, queue.arn, permitted=False)
    publish(lab, bus)
    [message] = lab.messages(queue)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == (SOURCE, DETAIL_TYPE, DETAIL)


@documented(
    "EventBridge",
    "An event that a queue's policy refuses becomes a dead letter with NO_PERMISSIONS.",
    DEAD_LETTERS,
    ministack="has no dead-letter queue",
)
def test_an_event_kept_out_by_a_policy_is_a_dead_letter(lab):
    queue = lab.queue()
    event, reason, rule_arn = undelivered(lab, queue.arn)
    assert event["detail"] == DETAIL
    assert reason.pop("ERROR_MESSAGE")
    assert reason == {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": queue.arn,
        "ERROR_CODE": "NO_PERMISSIONS",
    }


@documented(
    "EventBridge",
    "An event for a target that does not exist becomes a dead letter with NO_RESOURCE.",
    DEAD_LETTERS,
    ministack="loses it",
)
@pytest.mark.parametrize("service", ["sqs", "sns", "states", "events", "another region"])
def test_an_event_for_a_missing_target_is_a_dead_letter(lab, service):
    target = {
        "sqs": missing_queue(lab),
        "sns": f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:nosuch",
        "states": f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:nosuch",
        "events": f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/nosuch",
        "another region": f"arn:aws:sqs:eu-west-1:{ACCOUNT_ID}:elsewhere",
    }[service]
    event, reason, _ = undelivered(lab, target)
    assert event["detail"] == DETAIL
    assert (reason["TARGET_ARN"], reason["ERROR_CODE"]) == (target, "NO_RESOURCE")


@documented(
    "EventBridge",
    "A topic gets events only if its policy lets EventBridge publish.",
    RESOURCE_POLICIES,
    ministack="checks no policy",
)
def test_a_topic_that_does_not_admit_the_rule_gets_nothing(lab):
    topic = lab.client("sns").create_topic(Name=lab.name("topic"))["TopicArn"]
    _, reason, _ = undelivered(lab, topic)
    assert reason["ERROR_CODE"] == "NO_PERMISSIONS"


@documented(
    "EventBridge",
    "A topic passes the event on if its policy allows EventBridge.",
    RESOURCE_POLICIES,
)
def test_a_topic_passes_an_event_on(lab):
    bus, sns = lab.bus(), lab.client("sns")
    admits = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admits]})
    topic = sns.create_topic(Name=lab.name("topic"), Attributes={"Policy": policy})["TopicArn"]
    send = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    queue = lab.queue(policy={"Effect": "Allow", "Resource": "*", **send})
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=raw)
    rule, rule_arn = lab.empty_rule(bus)
    lab.point(bus, rule, rule_arn, topic, permitted=False)
    publish(lab, bus)
    [message] = lab.eventually(lambda: lab.messages(queue))
    assert json.loads(message["Body"])["detail"] == DETAIL


@documented(
    "EventBridge",
    "A FIFO queue gets an event in the target's message group.",
    "EventBridge API Reference, SqsParameters",
)
def test_a_fifo_queue_gets_the_event_in_its_group(lab):
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    name = f"{lab.name('queue')}.fifo"
    url = lab.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
    send = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement = {"Effect": "Allow", "Resource": arn, **send}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    lab.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    group = {"SqsParameters": {"MessageGroupId": "orders"}}
    lab.point(bus, rule, rule_arn, arn, permitted=False, **group)
    publish(lab, bus)
    [message] = lab.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "orders"


TEMPLATES = [
    ('{"id" : <userId>}', '{"id" : "0a787ecb-4015"}'),
    ('{"id" : "<userId>"}', '{"id" : "0a787ecb-4015"}'),
    (
        '{"a": "users/<userId>/second/<userId>"}',
        '{"a": "users/0a787ecb-4015/second/0a787ecb-4015"}',
    ),
    ('{"a": <listsingle>}', '{"a": ["HIGH"]}'),
    ('{"a": [<userId>, "hardcoded"]}', '{"a": ["0a787ecb-4015", "hardcoded"]}'),
    ('{"a": <payload>}', '{"a": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}'),
    ('"<listmulti> multiple list items"', '"[ACTIVE,INACTIVE] multiple list items"'),
    ('"Payload of <payload>"', '"Payload of {acc_id:0a787ecb-4015,sf_id:baz}"'),
    ('"Command is <valid>!"', '"Command is true!"'),
    ('"gone: <missing>."', '"gone: ."'),
]
"""Template → what a target got on AWS."""


def compact(text):
    return text.replace(" ", "")


@recorded(
    "EventBridge",
    "An input transformer makes a target's input from the event.",
    f"{INPUTS}, test_input_transformer_nested_keys_replacement",
)
@pytest.mark.parametrize(("template", "expected"), TEMPLATES)
def test_a_template_is_filled_as_recorded(lab, template, expected):
    found = transformed(lab, InputTransformer={"InputPathsMap": PATHS, "InputTemplate": template})
    assert compact(found) == compact(expected)


@recorded(
    "EventBridge",
    "A target gets the part of the event that its input path names.",
    f"{INPUTS}, test_put_events_with_input_path",
)
@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("$.detail", DETAIL),
        ("$.detail.payload", DETAIL["payload"]),
        ("$.detail.payload.sf_id", DETAIL["payload"]["sf_id"]),
    ],
)
def test_an_input_path_selects_a_part(lab, path, part):
    assert json.loads(transformed(lab, InputPath=path)) == part


def transformed(lab, **target):
    """Return what a queue gets from a target with these settings."""
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    queue = lab.queue(policy_for=rule_arn)
    lab.point(bus, rule, rule_arn, queue.arn, permitted=False, **target)
    publish(lab, bus)
    [message] = lab.messages(queue)
    return message["Body"]


@documented(
    "EventBridge",
    "A function can take the events of a rule from a queue between them.",
    "Lambda Developer Guide, Using Lambda with Amazon SQS",
)
def test_a_queue_between_rule_and_function_passes_events_on(lab):
    bus, function = lab.bus(), lab.function()
    rule, rule_arn = lab.empty_rule(bus)
    queue = lab.queue(policy_for=rule_arn)
    lab.awslambda.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName=function.name)
    lab.point(bus, rule, rule_arn, queue.arn, permitted=False)
    publish(lab, bus)
    [call] = lab.eventually(function.calls)
    [record] = call["event"]["Records"]
    assert json.loads(record["body"])["detail"] == DETAIL
