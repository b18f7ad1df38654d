"""What SQS refuses in a message or in a queue's attributes, and with which words.

Sources: the API reference of SQS, and LocalStack 8b9a79f0's `test_sqs.snapshot.json`, which was
recorded on AWS.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 1_048_576
MAX_MESSAGE_ATTRIBUTES = 10
MAX_DELAY_SECONDS, MAX_VISIBILITY_SECONDS, MAX_WAIT_SECONDS = 900, 43_200, 20

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_TOKEN = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
"""A message group id or deduplication id."""
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws\.|amazon\.)|\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_FIFO_ONLY = {
    "ContentBasedDeduplication": "Unknown Attribute ContentBasedDeduplication.",
    "DeduplicationScope": (
        "You can specify the DeduplicationScope only when FifoQueue is set to true."
    ),
    "FifoQueue": "Unknown Attribute FifoQueue.",
    "FifoThroughputLimit": (
        "You can specify the FifoThroughputLimit only when FifoQueue is set to true."
    ),
}
_SETTABLE = {
    *("DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "Policy"),
    *("ReceiveMessageWaitTimeSeconds", "VisibilityTimeout", "RedrivePolicy", "RedriveAllowPolicy"),
    *("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"),
    *_FIFO_ONLY,
}


class QueueError(Exception):
    """SQS refuses a request.

    Attributes:
        code: AWS's error code.
        message: AWS's message.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(value: object, parameter: str, reason: str) -> QueueError:
    """Return AWS's error about the value of a parameter."""
    message = f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    return QueueError("InvalidParameterValue", message)


# Messages


def message_bytes(message: Mapping[str, Any]) -> int:
    """Return how large a message is for AWS: its body, and all of its attributes."""
    total = len((message.get("MessageBody") or "").encode())
    for name, attribute in (message.get("MessageAttributes") or {}).items():
        total += len(name.encode()) + len((attribute.get("DataType") or "").encode())
        total += len((attribute.get("StringValue") or "").encode())
        total += len(attribute.get("BinaryValue") or "") * 3 // 4  # in base64
    return total


def check_message(message: Mapping[str, Any], *, fifo: bool, limit: int) -> None:
    """Check the parameters of SendMessage, or of an entry of SendMessageBatch.

    Args:
        message: The parameters.
        fifo: Whether the queue is a FIFO queue.
        limit: The queue's MaximumMessageSize.

    Raises:
        QueueError: AWS refuses the message.
    """
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        token = message.get(parameter)
        if token is not None and not _TOKEN.fullmatch(token):
            raise invalid(
                token,
                parameter,
                f"{parameter} can only include alphanumeric and punctuation characters. "
                "1 to 128 in length.",
            )
    if message.get("MessageDeduplicationId") is not None and not fifo:
        raise invalid(
            message["MessageDeduplicationId"],
            "MessageDeduplicationId",
            "The request include parameter that is not valid for this queue type.",
        )
    delay = message.get("DelaySeconds")
    if delay is not None and not 0 <= int(delay) <= MAX_DELAY_SECONDS:
        reason = f"DelaySeconds must be >= 0 and <= {MAX_DELAY_SECONDS}."
        raise invalid(delay, "DelaySeconds", reason)
    _check_attributes(message.get("MessageAttributes") or {})
    if message_bytes(message) > limit:
        text = (
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {limit} bytes."
        )
        raise QueueError("InvalidParameterValue", text)


def check_order(message: Mapping[str, Any], *, by_content: bool) -> None:
    """Check what a FIFO queue needs of a message.

    Args:
        message: The parameters of SendMessage, or an entry of SendMessageBatch.
        by_content: Whether the queue deduplicates by content.

    Raises:
        QueueError: AWS refuses the message.
    """
    if message.get("MessageGroupId") is None:
        text = "The request must contain the parameter MessageGroupId."
        raise QueueError("MissingParameter", text)
    if message.get("MessageDeduplicationId") is None and not by_content:
        text = (
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
        raise QueueError("InvalidParameterValue", text)


def _check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    if len(attributes) > MAX_MESSAGE_ATTRIBUTES:
        text = (
            f"Number of message attributes [{len(attributes)}] "
            f"exceeds the allowed maximum [{MAX_MESSAGE_ATTRIBUTES}]."
        )
        raise QueueError("InvalidParameterValue", text)
    for name, attribute in attributes.items():
        if problem := _attribute_problem(name, attribute):
            raise QueueError("InvalidParameterValue", problem)


def _attribute_problem(name: str, attribute: Mapping[str, Any]) -> str:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        return (
            f"Message (user) attribute name '{name}' is invalid. It must be 1 to 256 characters: "
            "A-Z, a-z, 0-9, underscore, hyphen and period, without AWS's prefixes."
        )
    kind = str(attribute.get("DataType") or "").partition(".")[0]
    if kind not in {"String", "Number", "Binary"}:
        return (
            f"The type of message (user) attribute '{name}' is invalid. You must use only the "
            "following supported type prefixes: Binary, Number, String."
        )
    value = attribute.get("BinaryValue" if kind == "Binary" else "StringValue")
    if not value:
        return (
            f"Message (user) attribute '{name}' must contain a non-empty value of type "
            f"'{'Binary' if kind == 'Binary' else 'String'}'."
        )
    if kind == "Number" and not _NUMBER.fullmatch(value):
        return f"Can't cast the value of message (user) attribute '{name}' to a number."
    return ""


def check_batch(entries: Iterable[Mapping[str, Any]]) -> None:
    """Check the number and the size of a batch's entries.

    Raises:
        QueueError: AWS refuses the whole batch.
    """
    batch = list(entries)
    if len(batch) > MAX_BATCH_ENTRIES:
        text = (
            f"Maximum number of entries per request are {MAX_BATCH_ENTRIES}. "
            f"You have sent {len(batch)}."
        )
        raise QueueError("TooManyEntriesInBatchRequest", text)
    if (total := sum(map(message_bytes, batch))) > MAX_BATCH_BYTES:
        text = (
            f"Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. "
            f"You have sent {total} bytes."
        )
        raise QueueError("BatchRequestTooLong", text)


def check_range(parameter: str, value: Any, most: int, reason: str) -> None:
    """Check that a parameter, if it is given, is a number from 0 to a greatest one.

    Raises:
        QueueError: It is not; the reason is AWS's.
    """
    if value is not None and not 0 <= int(value) <= most:
        raise invalid(value, parameter, reason)


# Queues


def check_new_queue(name: str, attributes: Mapping[str, Any]) -> None:
    """Check a new queue's name and the names of its attributes.

    Raises:
        QueueError: AWS refuses them.
    """
    fifo = name.endswith(".fifo")
    if not _QUEUE_NAME.fullmatch(name.removesuffix(".fifo")) or len(name) > 80:
        text = (
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
        raise QueueError("InvalidParameterValue", text)
    if fifo and attributes.get("FifoQueue") != "true":
        text = (
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
        raise QueueError("InvalidParameterValue", text)
    _known_attributes(attributes, fifo=fifo)


def check_queue(attributes: Mapping[str, Any], *, fifo: bool) -> None:
    """Check attributes that a queue is to get.

    Raises:
        QueueError: AWS refuses them.
    """
    _known_attributes(attributes, fifo=fifo)
    if fifo and attributes.get("FifoQueue", "true") != "true":
        text = (
            "Invalid value for the parameter FifoQueue. "
            "Reason: Modifying queue type is not supported."
        )
        raise QueueError("InvalidAttributeValue", text)


def _known_attributes(attributes: Mapping[str, Any], *, fifo: bool) -> None:
    for name in attributes:
        if name not in _SETTABLE:
            raise QueueError("InvalidAttributeName", f"Unknown Attribute {name}.")
        if not fifo and name in _FIFO_ONLY:
            raise QueueError("InvalidAttributeName", _FIFO_ONLY[name])


def check_allow_policy(text: str) -> None:
    """Check a dead-letter queue's RedriveAllowPolicy.

    Raises:
        QueueError: AWS refuses it.
    """
    try:
        policy = json.loads(text)
        permission, sources = policy["redrivePermission"], policy.get("sourceQueueArns", [])
        valid = (
            set(policy) <= {"redrivePermission", "sourceQueueArns"}
            and permission in {"allowAll", "denyAll", "byQueue"}
            and isinstance(sources, list)
            and (1 <= len(sources) <= 10 if permission == "byQueue" else not sources)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise invalid(text, "RedriveAllowPolicy", "Redrive allow policy is not valid.")


def allows_redrive(policy: str, source_arn: str) -> bool:
    """Return whether a dead-letter queue's RedriveAllowPolicy allows a source queue."""
    if not policy:
        return True
    parsed = json.loads(policy)
    if parsed["redrivePermission"] == "byQueue":
        return source_arn in parsed["sourceQueueArns"]
    return bool(parsed["redrivePermission"] == "allowAll")
