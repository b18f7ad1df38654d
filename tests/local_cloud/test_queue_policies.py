"""A queue that admits one sender alone: that one gets in, nobody else, not even the account."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.cloud_builder import Lab, Queue

pytestmark = pytest.mark.deployed


def closed(lab: Lab, condition: dict[str, Any], *, service: str = "") -> Queue:
    """A queue that denies sending to everybody who meets the condition."""
    queue = lab.queue()
    send = {"Action": "sqs:SendMessage", "Resource": queue.arn}
    statements = [{"Effect": "Deny", "Principal": "*", "Condition": condition, **send}]
    if service:
        statements.append({"Effect": "Allow", "Principal": {"Service": service}, **send})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lab.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": document})
    return queue


def test_a_function_may_fail_into_the_queue_of_its_role(lab: Lab) -> None:
    """The role is known by its own ARN, whoever assumed it; another role is denied."""
    may_send = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]
    own, other = lab.role(may_send), lab.role(may_send)
    queue = closed(lab, {"ArnNotEquals": {"aws:PrincipalArn": own}})
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.as_role(other, "sqs").send_message(QueueUrl=queue.url, MessageBody="forged")
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.sqs.send_message(QueueUrl=queue.url, MessageBody="forged")
    lab.as_role(own, "sqs").send_message(QueueUrl=queue.url, MessageBody="its own")
    assert [message["Body"] for message in lab.messages(queue)] == ["its own"]


def test_an_undelivered_event_reaches_the_queue_of_its_rule(lab: Lab) -> None:
    """EventBridge comes for a rule; a caller that comes for none is denied."""
    bus = lab.bus()
    name, rule = lab.empty_rule(bus)
    queue = closed(lab, {"ArnNotEquals": {"aws:SourceArn": rule}}, service="events.amazonaws.com")
    target = lab.function()
    lab.point(bus, name, rule, target.arn, permitted=False, DeadLetterConfig={"Arn": queue.arn})
    lab.publish(bus)
    lab.settle()
    assert len(lab.messages(queue)) == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.sqs.send_message(QueueUrl=queue.url, MessageBody="forged")


def test_a_batch_needs_no_permission_of_its_own(lab: Lab) -> None:
    """Who may change a message's visibility may change ten; deleting is another matter."""
    queue = lab.queue()
    may = [{"Effect": "Allow", "Action": "sqs:ChangeMessageVisibility", "Resource": queue.arn}]
    role = lab.as_role(lab.role(may), "sqs")
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="one")
    [message] = lab.messages(queue)
    entry = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
    changed = role.change_message_visibility_batch(
        QueueUrl=queue.url, Entries=[{**entry, "VisibilityTimeout": 0}]
    )
    assert len(changed["Successful"]) == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        role.delete_message_batch(QueueUrl=queue.url, Entries=[entry])
