"""What must hold at the end of exercise 05.1; it needs a cloud that can refuse."""

import json
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

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


def test_what_cannot_be_delivered_is_kept(stack, put, shelf, recovery, forget):
    """An event that EventBridge cannot hand over lies in its consumer's queue"""
    order_id = forget(new_id("order"))
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


@pytest.mark.parametrize("queue", ["undelivered", "failed"])
def test_nobody_else_may_write(stack, forget, queue):
    """A queue admits its own sender, and nobody else"""
    url = stack.outputs.dead_letter_queue_urls["shipping"][queue]
    forged = forget(new_id("forged"))
    try:
        stack.client("sqs").send_message(QueueUrl=url, MessageBody=forged)
    except ClientError as error:
        assert "AccessDenied" in str(error)  # noqa: PT017 - any other error is no refusal
        return
    pytest.fail(
        f"Somebody else than its sender has put a forged event into {url.rpartition('/')[2]}: "
        "the next redrive would hand it to shipping.",
        pytrace=False,
    )
