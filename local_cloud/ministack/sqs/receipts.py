"""A receipt handle identifies its message as long as the queue has it.

AWS deletes nothing and answers 200 if the message is already deleted, or was received again since.
After the visibility timeout, a FIFO queue refuses to delete. MiniStack 1.5.33 knows only the
latest receipt handle of each message: others are errors, and a FIFO queue deletes at any time.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from local_cloud.delivery import queue_rules
from local_cloud.delivery.queue_rules import QueueError
from local_cloud.ministack.replacing import replace
from local_cloud.ministack.sqs.errors import answered

Request = dict[str, Any]
Action = Callable[[Request, str], Any]


def install() -> None:
    """Replace the functions that create and read receipt handles."""
    replace(sqs, "_collect_msgs", _with_receipts)
    replace(sqs, "_act_delete_message", lambda _: _delete)
    replace(sqs, "_act_delete_message_batch", lambda _: _batch(_delete_one))
    replace(sqs, "_act_change_visibility", lambda _: _change_visibility)
    replace(sqs, "_act_change_visibility_batch", lambda _: _batch(_change_one))


def _with_receipts(collect: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def collected(queue: dict[str, Any], *rest: Any) -> list[Any]:
        messages = collect(queue, *rest)
        for message in messages:
            parts = (message["receipt_handle"], queue["attributes"]["QueueArn"], message["id"])
            message["receipt_handle"] = base64.b64encode(" ".join(parts).encode()).decode()
        return messages

    return collected


def _message_of(queue: dict[str, Any], receipt: str) -> dict[str, Any] | None:
    """Return the message whose latest receipt handle this is; nothing if it is an older one.

    Raises:
        QueueError: This queue gave no such receipt handle.
    """
    try:
        _, arn, _ = base64.b64decode(receipt, validate=True).decode().split(" ")
    except (binascii.Error, ValueError):
        arn = ""
    if arn != queue["attributes"]["QueueArn"]:
        text = f'The input receipt handle "{receipt}" is not a valid receipt handle.'
        raise QueueError("ReceiptHandleIsInvalid", text)
    return next((each for each in queue["messages"] if each["receipt_handle"] == receipt), None)


def _delete_one(queue: dict[str, Any], entry: Request) -> None:
    receipt = entry["ReceiptHandle"]
    message = _message_of(queue, receipt)
    if message is None:
        return
    if queue["is_fifo"] and message["visible_at"] <= time.time():
        raise queue_rules.invalid(receipt, "ReceiptHandle", "The receipt handle has expired.")
    # A FIFO queue remembers the deduplication id for its five minutes.
    queue["messages"] = [each for each in queue["messages"] if each is not message]


def _change_one(queue: dict[str, Any], entry: Request) -> None:
    timeout = int(entry.get("VisibilityTimeout", 30))
    most = queue_rules.MAX_VISIBILITY_SECONDS
    queue_rules.check_range(
        "VisibilityTimeout", timeout, most, f"Must be between 0 and {most}, if provided."
    )
    message = _message_of(queue, entry["ReceiptHandle"])
    if message is None:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise queue_rules.invalid(entry["ReceiptHandle"], "ReceiptHandle", reason)
    message["visible_at"] = time.time() + timeout
    if timeout == 0:
        sqs.esm_wake.set()


def _delete(data: Request, qurl: str) -> Request:
    return _single(_delete_one, "sqs:DeleteMessage", data, qurl)


def _change_visibility(data: Request, qurl: str) -> Request:
    return _single(_change_one, "sqs:ChangeMessageVisibility", data, qurl)


def _single(
    change: Callable[[dict[str, Any], Request], None], action: str, data: Request, qurl: str
) -> Request:
    queue = sqs._get_q(data.get("QueueUrl", qurl), action)
    with answered():
        if not data.get("ReceiptHandle"):
            text = "The request must contain the parameter ReceiptHandle."
            raise QueueError("MissingParameter", text)
        change(queue, data)
    return {}


def _batch(change: Callable[[dict[str, Any], Request], None]) -> Action:
    deletes = change is _delete_one
    action = "DeleteMessage" if deletes else "ChangeMessageVisibility"

    def changed(data: Request, qurl: str) -> Request:
        queue = sqs._get_q(data.get("QueueUrl", qurl), f"sqs:{action}")
        entries = data.get("Entries", [])
        sqs._validate_batch_entries(entries, f"{action}BatchRequestEntry")
        successful, failed = [], []
        for entry in entries:
            try:
                change(queue, entry)
                successful.append({"Id": entry["Id"]})
            except QueueError as error:
                failure = {"Id": entry["Id"], "Code": error.code, "Message": error.message}
                failed.append({**failure, "SenderFault": True})
        return {"Successful": successful, "Failed": failed}

    return changed
