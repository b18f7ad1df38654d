"""What must hold at the end of exercise 05.1; it needs a cloud that can refuse."""

import json
from contextlib import contextmanager

import pytest

from tests.fixtures.deployed import new_id
from tests.fixtures.events import example, of_skus

pytestmark = pytest.mark.deployed

EVENTBRIDGE = {"Service": "events.amazonaws.com"}


@contextmanager
def closed(stack):
    """Shipping, as long as EventBridge may not invoke it."""
    client, name = stack.client("lambda"), stack.invokable("shipping")
    policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    (rule,) = [each for each in policy["Statement"] if each["Principal"] == EVENTBRIDGE]
    ((_, arn),) = next(iter(rule["Condition"].values())).items()
    client.remove_permission(FunctionName=name, StatementId=rule["Sid"])
    try:
        yield
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=rule["Sid"],
            Action="lambda:InvokeFunction",
            Principal=EVENTBRIDGE["Service"],
            SourceArn=arn,
        )


def test_what_cannot_be_delivered_is_kept(stack, put, shelf, recovery):
    """An event that EventBridge cannot hand over lies in its consumer's queue"""
    order_id = new_id("order")
    with closed(stack):
        put(of_skus(example("OrderCreated", order_id=order_id), {shelf(5): 1}))
        recovery.settled()
    letters = recovery.letters(order_id)
    recovery.redrive(order_id=order_id)  # the queues are the learner's
    recovery.settled()
    assert letters, (
        "Shipping could not be reached, EventBridge gave up, and the event is in no queue: "
        "it is gone."
    )
    (letter,) = letters
    assert (letter["consumer"], letter["queue"]) == ("shipping", "undelivered")


def test_nobody_else_may_write(stack):
    """A queue admits its own rule, and nobody else"""
    sqs = stack.client("sqs")
    for url in stack.outputs.dead_letter_queue_urls["shipping"].values():
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        statements = json.loads(policy["Attributes"]["Policy"])["Statement"]
        allowed = [each for each in statements if each["Effect"] == "Allow"]
        everybody = [each for each in allowed if each["Principal"] in ("*", {"AWS": "*"})]
        assert not everybody, f"Everybody may write to {url.rpartition('/')[2]}."
        assert any(each["Effect"] == "Deny" for each in statements), (
            f"Others than its own sender may write to {url.rpartition('/')[2]}."
        )
