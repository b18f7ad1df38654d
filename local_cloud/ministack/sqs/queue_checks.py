"""Create and change queues by AWS's rules.

MiniStack 1.5.33 stores every attribute, accepts a FIFO queue's attributes for a standard queue,
does not read a RedriveAllowPolicy, and lets a queue have a dead-letter queue of the other type.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import json
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from local_cloud.delivery import queue_rules
from local_cloud.ministack.replacing import replace
from local_cloud.ministack.sqs.errors import answered

Request = dict[str, Any]
Action = Callable[[Request, str], Any]


def install() -> None:
    """Replace CreateQueue and SetQueueAttributes."""
    replace(sqs, "_act_create_queue", _strict_create)
    replace(sqs, "_act_set_queue_attributes", _strict_set)


def _strict_create(create: Action) -> Action:
    def strict(data: Request, qurl: str) -> Any:
        name, attributes = data.get("QueueName", ""), data.get("Attributes") or {}
        if name:
            arn = f"arn:aws:sqs:{sqs.get_region()}:{sqs.get_account_id()}:{name}"
            with answered():
                queue_rules.check_new_queue(name, attributes)
                _check_policies(attributes, arn, fifo=name.endswith(".fifo"))
        return create(data, qurl)

    return strict


def _strict_set(change: Action) -> Action:
    def strict(data: Request, qurl: str) -> Any:
        queue = sqs._get_q(data.get("QueueUrl", qurl))
        attributes = data.get("Attributes") or {}
        with answered():
            queue_rules.check_queue(attributes, fifo=queue["is_fifo"])
            _check_policies(attributes, queue["attributes"]["QueueArn"], fifo=queue["is_fifo"])
        return change(data, qurl)

    return strict


def _check_policies(attributes: dict[str, Any], arn: str, *, fifo: bool) -> None:
    if allow := attributes.get("RedriveAllowPolicy"):
        queue_rules.check_allow_policy(allow)
    policy = attributes.get("RedrivePolicy")
    try:
        target_arn = json.loads(policy or "{}").get("deadLetterTargetArn")
    except (ValueError, AttributeError):
        return  # MiniStack refuses it
    if not target_arn or not str(target_arn).startswith("arn:aws:sqs:"):
        return
    reason = _reason_against(target_arn, arn, fifo=fifo)
    if reason:
        raise queue_rules.invalid(policy, "RedrivePolicy", reason)


def _reason_against(target_arn: str, arn: str, *, fifo: bool) -> str:
    target = sqs._queue_by_arn(target_arn)
    if target is None:
        return "Dead letter target does not exist."
    if target["is_fifo"] is not fifo:
        return "Dead-letter queue must be same type of queue as the source."
    if not queue_rules.allows_redrive(target["attributes"].get("RedriveAllowPolicy", ""), arn):
        return "Queue does not have permission to use this dead-letter queue."
    return ""
