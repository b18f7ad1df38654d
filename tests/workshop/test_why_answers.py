"""For each rule of a stack: the pattern, the rule's state, the permission, and what happened."""

import io
import json
import zipfile
from dataclasses import asdict, replace

import boto3
import pytest

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from tests.fixtures.in_process import BUS
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.event_patterns import matches
from workshop.paths import in_stages
from workshop.why import permission, why

CONSUMERS = ("payment", "inventory")
EVENT = {
    "id": "1",
    "source": "orderflow.order",
    "detail-type": "OrderCreated",
    "detail": {"metadata": {"correlation_id": "order-1", "event_id": "order-1/order-created"}},
}
ACCOUNT = "123456789012"


def pattern(key):
    (path,) = in_stages(f"terraform/patterns/{key}.json")
    return path.read_text("utf-8")


def function(name):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    iam = boto3.client("iam")
    try:
        role = iam.get_role(RoleName="r")["Role"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    return boto3.client("lambda").create_function(
        FunctionName=name,
        Role=role["Arn"],
        Handler="index.handler",
        Runtime="python3.13",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]


@pytest.fixture
def stack(aws, monkeypatch):
    """A stack in an in-process account: two consumers with rule, target and permission."""
    events = boto3.client("events")
    for key in CONSUMERS:
        name = f"orderflow-{key}"
        arn = function(name)
        rule = events.put_rule(Name=name, EventBusName=BUS, EventPattern=pattern(key))["RuleArn"]
        events.put_targets(Rule=name, EventBusName=BUS, Targets=[{"Id": key, "Arn": arn}])
        boto3.client("lambda").add_permission(
            FunctionName=name,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )
    monkeypatch.setattr(Target, "client", lambda _, service: boto3.client(service))
    names = {key: f"orderflow-{key}" for key in CONSUMERS}
    outputs = Outputs("", BUS, "us-east-1", names, {}, {})
    target = Target(f"aws-{ACCOUNT}-us-east-1", "us-east-1", ACCOUNT, None, own=False)
    return Stack(target, 3, outputs)


def on_the_local_cloud(stack, monkeypatch, *deliveries):
    """Return the stack as one of a local cloud with these deliveries."""

    class FakeControl:
        def deliveries(self, order_id):
            assert order_id == "order-1"
            return list(deliveries)

    monkeypatch.setattr(injected_faults, "switch", lambda _: FakeControl())
    return Stack(Target.local("default", "http://127.0.0.1:9"), 3, stack.outputs)


def delivery(outcome, reason="", rule="orderflow-payment", event_id="1"):
    origin = Origin(event_id=event_id, correlation_id="order-1", rule=rule)
    return Delivery("orderflow-payment", outcome, origin, reason=reason)


def answers(stack, event=EVENT, **more):
    return {each.function: each for each in why(stack, event, matches, **more)}


def test_each_rule_has_an_answer_in_the_order_of_the_flow(stack):
    found = answers(stack)
    assert list(found) == ["payment", "inventory"]
    assert found["payment"].matched
    assert found["payment"].permission == ""
    assert [each.path for each in found["inventory"].refusals] == [
        *("source", "detail-type", "detail.data.payment.status")
    ]
    assert matches(pattern("inventory"), found["inventory"].changed)


def test_an_event_in_a_buffer_is_queued_and_not_delivered(stack, monkeypatch):
    """Delivered to the queue: its function does not have it yet."""
    queue = boto3.client("sqs").create_queue(QueueName="orderflow-payment-buffer")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orderflow-payment-buffer"
    boto3.client("events").put_targets(
        Rule="orderflow-payment", EventBusName=BUS, Targets=[{"Id": "payment", "Arn": arn}]
    )
    stack.outputs.buffer_queue_urls["payment"] = queue
    in_queue = replace(delivery(Outcome.DELIVERED), function="orderflow-payment-buffer")
    local = on_the_local_cloud(stack, monkeypatch, in_queue)
    found = answers(local, sent=["orderflow-payment"])["payment"]
    assert (found.matched, found.outcome) == (True, "queued or running")
    local = on_the_local_cloud(stack, monkeypatch, in_queue, delivery(Outcome.DELIVERED))
    assert answers(local, sent=["orderflow-payment"])["payment"].outcome == "delivered"


def test_an_answer_has_only_json_types(stack):
    for each in answers(stack).values():
        assert json.loads(json.dumps(asdict(each)))["rule"] == each.rule


def test_a_disabled_rule_is_named_with_a_command(stack):
    boto3.client("events").disable_rule(Name="orderflow-payment", EventBusName=BUS)
    payment = answers(stack, sent=())["payment"]
    assert payment.matched
    assert not payment.enabled
    assert "enable-rule" in payment.note
    assert payment.outcome == "the rule is disabled"


def test_a_missing_rule_is_named(stack):
    events = boto3.client("events")
    events.remove_targets(Rule="orderflow-payment", EventBusName=BUS, Ids=["payment"])
    events.delete_rule(Name="orderflow-payment", EventBusName=BUS)
    payment = answers(stack)["payment"]
    assert (payment.matched, payment.enabled) == (False, False)
    assert payment.note.startswith("The rule does not exist.")


def test_a_rule_without_target_is_named(stack):
    boto3.client("events").remove_targets(
        Rule="orderflow-payment", EventBusName=BUS, Ids=["payment"]
    )
    found = {each.rule: each for each in why(stack, EVENT, matches)}
    assert found["orderflow-payment"].permission == "The rule has no target."


def test_a_missing_permission_is_named(stack):
    boto3.client("lambda").remove_permission(FunctionName="orderflow-payment", StatementId="rule")
    assert answers(stack)["payment"].permission == (
        "The policy of the function orderflow-payment does not let this rule invoke it."
    )


def test_a_missing_function_is_named(stack):
    boto3.client("lambda").delete_function(FunctionName="orderflow-payment")
    said = answers(stack)["payment"].permission
    assert said == "The function orderflow-payment does not exist."


def test_a_rule_of_the_learner_with_a_queue_is_judged(stack):
    events, sqs = boto3.client("events"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="lamp")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="lamp", EventBusName=BUS, EventPattern='{"source": [{"exists": true}]}')
    events.put_targets(Rule="lamp", EventBusName=BUS, Targets=[{"Id": "1", "Arn": arn["QueueArn"]}])
    last = why(stack, EVENT, matches)[-1]
    assert (last.rule, last.function, last.matched) == ("lamp", "", True)
    assert last.permission == "The policy of the queue lamp does not let this rule send to it."
    sqs.delete_queue(QueueUrl=url)
    assert why(stack, EVENT, matches)[-1].permission == "The queue lamp does not exist."


@pytest.mark.parametrize(
    ("outcomes", "arrived", "words"),
    [
        ([(Outcome.DELIVERED, "")], True, "delivered"),
        (
            [*[(Outcome.FAILED, "ValueError")] * 2, (Outcome.DELIVERED, "")],
            True,
            "failed twice (ValueError), then delivered",
        ),
        (
            [*[(Outcome.FAILED, "ValueError")] * 3, (Outcome.DEAD_LETTERED, "RetriesExhausted")],
            False,
            "failed 3 times (ValueError), then dead-lettered (RetriesExhausted)",
        ),
        ([(Outcome.DROPPED, "injected")], False, "dropped (injected)"),
        ([(Outcome.FAILED, "ValueError")], None, "failed (ValueError)"),
        ([], None, "queued or running"),
    ],
)
def test_what_happened_comes_from_the_delivery_log(stack, monkeypatch, outcomes, arrived, words):
    others = (
        delivery(Outcome.FAILED, "of the tracker", rule="orderflow-order-tracker"),
        delivery(Outcome.FAILED, "of another event", event_id="2"),
    )
    local = on_the_local_cloud(stack, monkeypatch, *others, *(delivery(*each) for each in outcomes))
    payment = answers(local, sent=("orderflow-payment",))["payment"]
    assert (payment.arrived, payment.outcome) == (arrived, words)


def test_a_rule_that_was_changed_after_the_event_is_said_so(stack, monkeypatch):
    local = on_the_local_cloud(stack, monkeypatch)
    found = answers(local, sent=("orderflow-inventory",))
    assert "the rule's pattern was changed since" in found["inventory"].outcome
    assert "disabled, missing or different" in found["payment"].outcome
    assert found["payment"].arrived is False


def test_an_event_that_was_not_sent_has_no_outcome(stack):
    assert {each.outcome for each in answers(stack).values()} == {""}


RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/bus/payment"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:lamp"
ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
}
DENY_HTTP = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([ALLOW], True),
        ([ALLOW, DENY_HTTP], True),
        ([ALLOW | {"Condition": {}}], True),
        ([ALLOW | {"Action": ["SQS:*"]}], True),
        ([ALLOW | {"Condition": {"ArnLike": {"AWS:SourceArn": RULE[:-7] + "*"}}}], True),
        ([ALLOW | {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}], True),
        ([ALLOW | {"Principal": {"AWS": "*"}}], True),
        ([], False),
        ([ALLOW | {"Principal": {"Service": "lambda.amazonaws.com"}}], False),
        ([ALLOW | {"Action": "sqs:ReceiveMessage"}], False),
        ([ALLOW | {"Resource": f"{QUEUE}2"}], False),
        ([ALLOW | {"Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}2"}}}], False),
        ([ALLOW | {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}], False),
        ([ALLOW | {"Condition": {"ArnNotEquals": {"aws:SourceArn": RULE}}}], False),
        ([ALLOW | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}], False),
        ([ALLOW | {"Condition": {"StringEquals": {"aws:SourceArn": RULE[:-1] + "*"}}}], False),
        ([ALLOW, ALLOW | {"Effect": "Deny"}], False),
    ],
)
def test_a_policy_is_read_as_eventbridge_needs_it(statements, allowed):
    policy = json.dumps({"Statement": statements})
    assert permission.allows(policy, "sqs:SendMessage", RULE, QUEUE) is allowed
