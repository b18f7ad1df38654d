"""The redrive of dead-letter queues: StartMessageMoveTask, its list, its cancellation, its sources.

MiniStack 1.5.33 has none of these actions. As on AWS, a queue can be redriven only if it is the
dead-letter queue of another queue.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import asyncio
import base64
import binascii
import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.services import sqs

from local_cloud.delivery import queue_rules
from local_cloud.delivery.queue_rules import QueueError
from local_cloud.ministack.sqs.errors import answered

_log = logging.getLogger("local_cloud")

Request = dict[str, Any]
_LISTED = 10
"""How many tasks of a queue are listed at most; older ones are forgotten."""
_GONE = "AWS.SimpleQueueService.NonExistentQueue"
_NO_SOURCE = "CouldNotDetermineMessageSource"


@dataclass
class _Task:
    source: str
    destination: str
    per_second: int
    to_move: int
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: int = field(default_factory=lambda: int(time.time() * 1000))
    status: str = "RUNNING"
    moved: int = 0
    failure: str = ""
    work: "asyncio.Task[None] | None" = None

    @property
    def handle(self) -> str:
        content = {"taskId": self.identifier, "sourceArn": self.source}
        return base64.b64encode(json.dumps(content).encode()).decode()

    def listed(self) -> dict[str, Any]:
        optional = {
            "TaskHandle": self.handle if self.status == "RUNNING" else "",
            "DestinationArn": self.destination,
            "MaxNumberOfMessagesPerSecond": self.per_second,
            "FailureReason": self.failure,
        }
        return {
            "SourceArn": self.source,
            "Status": self.status,
            "StartedTimestamp": self.started,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            **{name: value for name, value in optional.items() if value},
        }


_tasks: list[_Task] = []


def install() -> None:
    """Add the actions."""
    sqs._HANDLERS.update(
        {
            "StartMessageMoveTask": _start,
            "ListMessageMoveTasks": _list,
            "CancelMessageMoveTask": _cancel,
            "ListDeadLetterSourceQueues": _sources,
        }
    )


def _queue(arn: str, parameter: str, action: str) -> dict[str, Any]:
    found: dict[str, Any] | None = sqs._queue_by_arn(arn)
    if found is None:
        text = f"The resource that you specified for the {parameter} parameter doesn't exist."
        raise QueueError("ResourceNotFoundException", text, 404)
    sqs._enforce_queue_policy(found, f"sqs:{action}")
    return found


def _redriven_by(arn: str) -> list[dict[str, Any]]:
    """Return the queues whose dead-letter queue this is."""
    found = []
    for queue in sqs._queues.values():
        policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn") == arn:
            found.append(queue)
    return found


async def _start(data: Request, _qurl: str) -> Request:
    source, destination = data.get("SourceArn", ""), data.get("DestinationArn", "")
    with answered():
        queue = _queue(source, "SourceArn", "StartMessageMoveTask")
        if destination:
            _queue(destination, "DestinationArn", "SendMessage")
        if not _redriven_by(source):
            text = "Source queue must be configured as a Dead Letter Queue."
            raise QueueError("InvalidParameterValue", text)
        if any(task.source == source and task.status == "RUNNING" for task in _tasks):
            text = (
                "There is already a task running. Only one active task is allowed for a source "
                "queue arn at a given time."
            )
            raise QueueError("InvalidParameterValue", text)
    per_second = int(data.get("MaxNumberOfMessagesPerSecond") or 0)
    task = _Task(source, destination, per_second, len(queue["messages"]))
    _tasks.append(task)
    for old in [each for each in _tasks if each.source == source][:-_LISTED]:
        _tasks.remove(old)
    task.work = asyncio.get_running_loop().create_task(_move(task))
    return {"TaskHandle": task.handle}


async def _move(task: _Task) -> None:
    try:
        await _move_all(task)
    except Exception as error:  # noqa: BLE001 - whatever it is, the task must not run for ever
        _log.exception("the messages of %s are not moved any more", task.source)
        task.status, task.failure = "FAILED", str(error)


async def _move_all(task: _Task) -> None:
    while task.status == "RUNNING":
        queue = sqs._queue_by_arn(task.source)
        now = time.time()
        message = next(
            (m for m in (queue or {}).get("messages", []) if m["visible_at"] <= now), None
        )
        if queue is None or message is None:
            task.status = "COMPLETED" if queue else "FAILED"
            task.failure = "" if queue else _GONE
            return
        origin = message.get("sys", {}).get("DeadLetterQueueSourceArn", "")
        target = sqs._queue_by_arn(task.destination or origin)
        if target is None:
            task.status, task.failure = (
                "FAILED",
                _GONE if task.destination or origin else _NO_SOURCE,
            )
            return
        queue["messages"].remove(message)
        target["messages"].append(_sent_again(message, now))
        task.moved += 1
        sqs.esm_wake.set()
        await asyncio.sleep(1 / task.per_second if task.per_second else 0)


def _sent_again(message: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a message as a new one: with a new id, and never received."""
    system = {**message.get("sys", {}), "SentTimestamp": str(int(now * 1000))}
    system.pop("DeadLetterQueueSourceArn", None)
    new = {"id": str(uuid.uuid4()), "receipt_handle": None, "receive_count": 0}
    times = {"sent_at": now, "enqueued_at": now, "visible_at": now, "first_receive_at": None}
    return {**message, **new, **times, "sys": system}


def _list(data: Request, _qurl: str) -> Request:
    source = data.get("SourceArn", "")
    most = int(data.get("MaxResults") or 1)
    with answered():
        _queue(source, "SourceArn", "ListMessageMoveTasks")
        if not 1 <= most <= _LISTED:
            raise queue_rules.invalid(most, "MaxResults", "Must be between 1 and 10.")
    mine = [task.listed() for task in reversed(_tasks) if task.source == source]
    return {"Results": mine[:most]}


def _cancel(data: Request, _qurl: str) -> Request:
    with answered():
        try:
            content = json.loads(base64.b64decode(data.get("TaskHandle", ""), validate=True))
            identifier, source = content["taskId"], content["sourceArn"]
        except (binascii.Error, ValueError, KeyError, TypeError):
            text = "Value for parameter TaskHandle is invalid."
            raise QueueError("InvalidParameterValue", text) from None
        _queue(source, "SourceArn", "CancelMessageMoveTask")
        task = next((each for each in _tasks if each.identifier == identifier), None)
        if task is None or task.status != "RUNNING":
            raise QueueError("ResourceNotFoundException", "Task does not exist.", 404)
    task.status = "CANCELLED"
    if task.work:
        task.work.cancel()
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def _sources(data: Request, qurl: str) -> Request:
    queue = sqs._get_q(data.get("QueueUrl", qurl), "sqs:ListDeadLetterSourceQueues")
    urls = [
        sqs._externalize_url(each["url"]) for each in _redriven_by(queue["attributes"]["QueueArn"])
    ]
    most = data.get("MaxResults")
    if most is None:
        return {"queueUrls": urls}
    start = int(data.get("NextToken") or 0)
    end = start + int(most)
    return {"queueUrls": urls[start:end], **({"NextToken": str(end)} if end < len(urls) else {})}
