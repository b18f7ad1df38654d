"""`make status` survives what is missing: it says what that is, and which command helps."""

import io
import zipfile

import boto3
import pytest

from tests.fixtures.in_process import BUS
from workshop.commands import observe
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.stages import flow

KEYS = ("order-api", "order-tracker", "payment")
RULES = ("order-tracker", "payment")
"""Those of them that events invoke."""


@pytest.fixture
def stack(aws, make_table, monkeypatch):
    """A whole stack in an in-process account, as far as `status` looks."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    events, sqs = boto3.client("events"), boto3.client("sqs")
    for key in KEYS:
        boto3.client("lambda").create_function(
            FunctionName=f"orderflow-{key}",
            Role=role["Arn"],
            Handler="index.handler",
            Runtime="python3.13",
            Code={"ZipFile": code.getvalue()},
        )
    for key in RULES:
        pattern = '{"source": ["x"]}'
        events.put_rule(Name=f"orderflow-{key}", EventBusName=BUS, EventPattern=pattern)
    urls = {
        kind: sqs.create_queue(QueueName=f"payment-{kind}")["QueueUrl"]
        for kind in ("failed", "undelivered")
    }
    outputs = Outputs(
        api_endpoint="http://127.0.0.1:9",
        event_bus_name=BUS,
        region="us-east-1",
        function_names={key: f"orderflow-{key}" for key in KEYS},
        table_names={key: make_table(key) for key in flow().tables},
        dead_letter_queue_urls={"payment": urls},
    )
    target = Target("aws-123456789012-us-east-1", "us-east-1", "123456789012", None, own=False)
    made = Stack(target, 5, outputs)
    monkeypatch.setattr(observe, "current", lambda: made)
    target.session.cache_clear()
    target.client.cache_clear()
    return made


def test_a_whole_stack_is_shown(stack, capsys):
    sqs = boto3.client("sqs")
    urls = stack.outputs.dead_letter_queue_urls["payment"]
    for kind, count in (("failed", 3), ("undelivered", 4)):
        for _ in range(count):
            sqs.send_message(QueueUrl=urls[kind], MessageBody="x")
    sqs.receive_message(QueueUrl=urls["undelivered"])
    observe.status()
    shown = capsys.readouterr().out
    assert "3 failed, 4 not delivered (1 held just now)" in shown
    assert all(f"orderflow-{key}" in shown for key in KEYS)
    assert "MISSING" not in shown


def test_a_buffer_is_shown_with_what_waits_in_it(stack, capsys):
    sqs, outputs = boto3.client("sqs"), stack.outputs
    outputs.buffer_queue_urls["payment"] = sqs.create_queue(QueueName="b")["QueueUrl"]
    dead = sqs.create_queue(QueueName="d")["QueueUrl"]
    outputs.dead_letter_queue_urls["payment"]["unprocessed"] = dead
    for url in (outputs.buffer_queue_urls["payment"], dead, dead):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    observe.status()
    shown = capsys.readouterr().out
    assert "2 not processed" in shown
    assert "1 waiting" in shown


def break_function():
    boto3.client("lambda").delete_function(FunctionName="orderflow-payment")


def break_table():
    boto3.client("dynamodb").delete_table(TableName="orderflow-payments")


def break_queue():
    sqs = boto3.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="payment-undelivered")["QueueUrl"])


def break_rule():
    boto3.client("events").delete_rule(Name="orderflow-payment", EventBusName=BUS)


def disable_rule():
    boto3.client("events").disable_rule(Name="orderflow-payment", EventBusName=BUS)


def break_bus():
    for key in RULES:
        boto3.client("events").delete_rule(Name=f"orderflow-{key}", EventBusName=BUS)
    boto3.client("events").delete_event_bus(Name=BUS)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (break_function, "function payment is missing"),
        (break_table, "table payments is missing"),
        (break_queue, "queue undelivered of payment is missing"),
        (break_rule, "the rule of payment is missing"),
        (disable_rule, "the rule of payment is disabled"),
        (break_bus, "event bus is missing"),
    ],
)
def test_what_is_missing_is_named_with_a_command(stack, capsys, damage, named):
    damage()
    with pytest.raises(WorkshopError) as caught:
        observe.status()
    assert named in str(caught.value)
    assert str(caught.value).endswith("make deploy")
    shown = capsys.readouterr().out
    assert "orderflow-order-tracker" in shown  # the rest is shown all the same
    assert "orderflow-shipments" in shown


def test_everything_missing_is_one_sentence(stack, capsys):
    for damage in (break_function, break_table, break_queue, break_bus):
        damage()
    with pytest.raises(WorkshopError) as caught:
        observe.status()
    assert str(caught.value).count(" is missing") == 6
    assert capsys.readouterr().out.count("MISSING") == 6


def test_on_the_local_cloud_make_up_helps(stack, monkeypatch):
    local = Stack(Target.local("default", "http://127.0.0.1:9"), 5, stack.outputs)
    monkeypatch.setattr(Target, "client", lambda _, service: boto3.client(service))
    monkeypatch.setattr(observe, "current", lambda: local)
    monkeypatch.setattr(observe, "_local_cloud", lambda _: [])
    break_function()
    with pytest.raises(WorkshopError, match=r"make up STAGE=5$"):
        observe.status()
