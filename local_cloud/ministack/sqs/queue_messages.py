"""The messages of a queue, as Lambda receives and deletes them for a function.

All of it runs in the server's own thread; see `emulator.on_loop`.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import contextvars
import copy
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import lambda_svc, sqs

from local_cloud.delivery.emulator_port import DeliveryError, EventSource, QueuedMessage
from local_cloud.delivery.event_source import utc
from local_cloud.ministack import roles

_RULE = "workshop_rule"
"""The field of a message with the name of the rule that sent it; no request returns it."""

_POLLERS = 5
"""The invocations with which Lambda starts to poll a queue."""


def mappings() -> list[EventSource]:
    """Return the enabled mappings of queues."""
    found = []
    for account, region, esm in lambda_svc._iter_all_esms():
        if esm.get("Enabled", True) and ":sqs:" in esm["EventSourceArn"]:
            context = contextvars.copy_context()
            context.run(set_request_account_id, account)
            context.run(set_request_region, region)
            scaling = esm.get("ScalingConfig") or {}
            found.append(
                EventSource(
                    identifier=esm["UUID"],
                    queue_arn=esm["EventSourceArn"],
                    function_arn=esm["FunctionArn"],
                    batch_size=int(esm.get("BatchSize") or 10),
                    window=float(esm.get("MaximumBatchingWindowInSeconds") or 0),
                    concurrency=int(scaling.get("MaximumConcurrency") or _POLLERS),
                    reports_failures="ReportBatchItemFailures"
                    in (esm.get("FunctionResponseTypes") or []),
                    context=context,
                )
            )
    return found


def queue_of(arn: str) -> dict[str, Any]:
    """Return a queue.

    Raises:
        DeliveryError: There is none.
    """
    queue: dict[str, Any] | None = sqs._queue_by_arn(arn)
    if queue is None:
        msg = f"{arn} does not exist"
        raise DeliveryError(msg, missing=True)
    return queue


def visibility_timeout(arn: str) -> float:
    """Return a queue's visibility timeout in seconds; 0 if there is no queue."""
    queue = sqs._queue_by_arn(arn)
    return float(queue["attributes"].get("VisibilityTimeout", "30")) if queue else 0.0


def visible(arn: str) -> tuple[int, float]:
    """Return how many messages are visible, and for how long the oldest is."""
    now = time.time()
    since = [each["visible_at"] for each in queue_of(arn)["messages"] if each["visible_at"] <= now]
    return len(since), now - min(since, default=now)


def note_rule(arn: str, message_id: str, rule: str) -> None:
    """Remember the rule that sent a message."""
    for each in reversed(queue_of(arn)["messages"]):
        if each["id"] == message_id:
            each[_RULE] = rule
            return


def held(arn: str) -> int:
    """Return how many messages a queue holds; 0 if there is no queue."""
    queue = sqs._queue_by_arn(arn)
    return len(queue["messages"]) if queue else 0


def receive(arn: str, most: int) -> list[QueuedMessage]:
    """Receive messages; those that were received too often go to the dead-letter queue first."""
    queue = queue_of(arn)
    since = {each["id"]: each["visible_at"] for each in queue["messages"]}
    found = sqs._receive_messages_for_esm(queue["url"], most)
    return [of(each, since, arn) for each in found]


def delete(arn: str, messages: Iterable[QueuedMessage]) -> None:
    """Delete messages."""
    receipts = {each.receipt for each in messages}
    sqs._delete_messages_for_esm(queue_of(arn)["url"], receipts)


def hide(arn: str, messages: Iterable[QueuedMessage], seconds: float) -> None:
    """Set when messages become visible; one that was received again since stays as it is."""
    for each in _in_queue(arn, messages):
        each["visible_at"] = time.time() + seconds


def limit_invisibility(arn: str, seconds: float) -> None:
    """Make received messages visible after these seconds, at the latest."""
    latest = time.time() + seconds
    for each in (sqs._queue_by_arn(arn) or {"messages": []})["messages"]:
        if each.get("receive_count"):
            each["visible_at"] = min(each["visible_at"], latest)


def postpone(arn: str, message: QueuedMessage, seconds: float) -> None:
    """Put a message back as if it had not been received."""
    for each in _in_queue(arn, [message]):
        each["visible_at"] = time.time() + seconds
        each["receive_count"] -= 1
        each["first_receive_at"] = None


def repeat(arn: str, message: QueuedMessage, seconds: float) -> str:
    """Put a copy of a message into its queue; return its id."""
    identifier = str(uuid4())
    for each in _in_queue(arn, [message]):
        new = {"id": identifier, "receipt_handle": None, "receive_count": 0}
        times = {"visible_at": time.time() + seconds, "first_receive_at": None}
        queue_of(arn)["messages"].append({**copy.deepcopy(each), **new, **times})
    return identifier


def _in_queue(arn: str, messages: Iterable[QueuedMessage]) -> Sequence[dict[str, Any]]:
    receipts = {each.receipt for each in messages}
    queue = sqs._queue_by_arn(arn) or {"messages": []}
    return [each for each in queue["messages"] if each.get("receipt_handle") in receipts]


def of(message: dict[str, Any], since: dict[str, float], arn: str) -> QueuedMessage:
    """Return MiniStack's message as ours, with the record that Lambda gives to a function."""
    attributes = {
        "ApproximateReceiveCount": str(message.get("receive_count", 1)),
        "SentTimestamp": str(int(message["sent_at"] * 1000)),
        "SenderId": roles.part(arn, roles.ACCOUNT),
        "ApproximateFirstReceiveTimestamp": str(
            int((message.get("first_receive_at") or time.time()) * 1000)
        ),
    }
    if trace := (message.get("sys") or {}).get("AWSTraceHeader"):
        attributes["AWSTraceHeader"] = trace
    for ours, theirs in (
        ("group_id", "MessageGroupId"),
        ("dedup_id", "MessageDeduplicationId"),
        ("seq", "SequenceNumber"),
    ):
        if (value := message.get(ours)) is not None:
            attributes[theirs] = str(value)
    own = lambda_svc._sqs_message_attributes_to_camel_case(message.get("message_attributes", {}))
    return QueuedMessage(
        message_id=message["id"],
        receipt=message.get("receipt_handle") or "",
        body=message["body"],
        received=message.get("receive_count", 0),
        visible_since=utc(since.get(message["id"], message["sent_at"])),
        rule=message.get(_RULE, ""),
        record={
            "messageId": message["id"],
            "receiptHandle": message.get("receipt_handle") or "",
            "body": message["body"],
            "attributes": attributes,
            "messageAttributes": own,
            "md5OfBody": message.get("md5_body") or message.get("md5") or "",
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": roles.part(arn, roles.REGION),
        },
    )
