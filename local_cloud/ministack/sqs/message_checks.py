"""Check messages and batches as AWS does.

MiniStack 1.5.33 counts only a message's body, accepts every message attribute, group id,
deduplication id, delay and waiting time, and has other messages for some refusals.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from local_cloud.delivery import queue_rules
from local_cloud.ministack.replacing import replace
from local_cloud.ministack.sqs.errors import answered

Request = dict[str, Any]
Action = Callable[[Request, str], Any]


def install() -> None:
    """Replace SendMessage, its batch, ReceiveMessage and the checks of all batches."""
    replace(sqs, "_act_send_message", _strict_send)
    replace(sqs, "_act_send_message_batch", _strict_batch)
    replace(sqs, "_act_receive_message", _strict_receive)
    replace(sqs, "_validate_batch_entries", _counted)


def _strict_send(send: Action) -> Action:
    def strict(data: Request, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:SendMessage")
        if data.get("MessageBody"):
            limit = int(queue["attributes"].get("MaximumMessageSize", queue_rules.MAX_BATCH_BYTES))
            with answered():
                queue_rules.check_message(data, fifo=queue["is_fifo"], limit=limit)
                if queue["is_fifo"]:
                    queue_rules.check_order(data, by_content=_by_content(queue))
        return send(data, qurl)

    return strict


def _by_content(queue: dict[str, Any]) -> bool:
    return bool(queue["attributes"].get("ContentBasedDeduplication") == "true")


def _strict_batch(send: Action) -> Action:
    def strict(data: Request, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:SendMessage")
        entries = data.get("Entries") or []
        sqs._validate_batch_entries(entries, "SendMessageBatchRequestEntry")
        with answered():
            queue_rules.check_batch(entries)
        if queue["is_fifo"]:
            _refuse_unordered(entries, queue)
        result = send(data, qurl)
        for failed in result["Failed"]:
            failed["Message"] = failed["Message"].replace(
                "One or more parameters are invalid.", "One or more parameters cannot be validated."
            )
        return result

    return strict


def _refuse_unordered(entries: list[Request], queue: dict[str, Any]) -> None:
    """Refuse the whole batch, as AWS does, with the one code that it has for both reasons."""
    for entry in entries:
        try:
            queue_rules.check_order(entry, by_content=_by_content(queue))
        except queue_rules.QueueError as error:
            raise sqs._Err("InvalidParameterValue", error.message) from error


_RECEIVE_LIMITS = {
    "WaitTimeSeconds": queue_rules.MAX_WAIT_SECONDS,
    "VisibilityTimeout": queue_rules.MAX_VISIBILITY_SECONDS,
}


def _strict_receive(receive: Action) -> Action:
    async def strict(data: Request, qurl: str) -> Any:
        with answered():
            for name, most in _RECEIVE_LIMITS.items():
                reason = f"Must be >= 0 and <= {most}, if provided."
                queue_rules.check_range(name, data.get(name), most, reason)
        return await receive(data, qurl)

    return strict


def _counted(validate: Callable[..., None]) -> Callable[..., None]:
    def counted(entries: list[Request], entry_name: str) -> None:
        with answered():
            queue_rules.check_batch([{}] * len(entries))
        validate(entries, entry_name)

    return counted
