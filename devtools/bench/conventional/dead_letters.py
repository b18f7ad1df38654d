"""Redrive the conventional twin's dead letters, as a script for its one queue would."""

import json
import time
from typing import Any

from devtools.bench.beside import TIMEOUT_SECONDS, Beside
from devtools.bench.conventional.flow import DEAD_LETTERS

PATIENCE_SECONDS = 3.0 * TIMEOUT_SECONDS
"""How long a message may fail: longer than a record of idempotency is in progress."""
PAUSE_SECONDS = 1


def redrive(flow: Beside) -> int:
    """Invoke the function that failed with the event of each message, until the queue is empty.

    A message that fails for longer than the patience stays.

    Returns:
        The number of messages that a function accepted.
    """
    sqs = flow.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=flow.name(DEAD_LETTERS))["QueueUrl"]
    accepted, deadline = 0, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and waiting(flow):
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=PAUSE_SECONDS,
            MessageAttributeNames=["All"],
        )
        for message in messages.get("Messages", []):
            function, event = _parts(message)
            answer = flow.stack.client("lambda").invoke(
                FunctionName=function, Payload=json.dumps(event)
            )
            answer["Payload"].read()
            if "FunctionError" not in answer:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                accepted += 1
        time.sleep(PAUSE_SECONDS / 4)
    return accepted


def waiting(flow: Beside) -> int:
    """Return the number of messages in the queue, received ones too."""
    sqs = flow.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=flow.name(DEAD_LETTERS))["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def orders_in(flow: Beside) -> set[str]:
    """Return the orders that messages in the queue are about; each becomes visible again."""
    sqs = flow.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=flow.name(DEAD_LETTERS))["QueueUrl"]
    found: set[str] = set()
    for _ in range(waiting(flow)):
        answer = sqs.receive_message(
            QueueUrl=url, VisibilityTimeout=PAUSE_SECONDS, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            _, event = _parts(message)
            found.add(str(event["detail"]["order"]["order_id"]))
    return found


def _parts(message: dict[str, Any]) -> tuple[str, Any]:
    """Return the function that failed, and the event: from Lambda's record or EventBridge's."""
    body = json.loads(message["Body"])
    if "requestPayload" in body:
        return str(body["requestContext"]["functionArn"]), body["requestPayload"]
    return str(message["MessageAttributes"]["TARGET_ARN"]["StringValue"]), body
