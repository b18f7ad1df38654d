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
    """Remove EventBridge's permission to invoke shipping, and restore it at the end."""
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


def test_what_cannot_be_delivered_is_kept(
    stack, put_event, stock_item, recovery, delete_after_test
):
    """An event that EventBridge cannot deliver is in its consumer's queue"""
    order_id = delete_after_test(new_id("order"))
    with closed(stack):
        put_event(of_skus(example("OrderCreated", order_id=order_id), {stock_item(5): 1}))
        recovery.settled()
    dead_letters = recovery.dead_letters(order_id)
    recovery.redrive(order_id=order_id)  # the queues are the learner's
    recovery.settled()
    assert dead_letters, (
        "EventBridge could not invoke shipping and gave up. The event is in no queue: it is lost."
    )
    (dead_letter,) = dead_letters
    assert (dead_letter["consumer"], dead_letter["queue"]) == ("shipping", "undelivered")


@pytest.mark.parametrize("queue", ["undelivered", "failed"])
def test_nobody_else_may_write(stack, delete_after_test, queue):
    """A queue accepts messages from its own sender only"""
    url = stack.outputs.dead_letter_queue_urls["shipping"][queue]
    forged = delete_after_test(new_id("forged"))
    try:
        stack.client("sqs").send_message(QueueUrl=url, MessageBody=forged)
    except ClientError as error:
        assert "AccessDenied" in str(error)  # noqa: PT017 - any other error is no refusal
        return
    pytest.fail(
        f"Another sender could put a forged event into {url.rpartition('/')[2]}. "
        "The next redrive would deliver it to shipping.",
        pytrace=False,
    )
