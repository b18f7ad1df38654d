"""Queues as event sources of functions: `local_cloud.delivery.event_source` polls them.

MiniStack 1.5.33 polls, too, but it needs no permission for that, retries no throttle, deletes the
messages of an invalid response, and has no record of a message that it moves to a dead-letter
queue.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import json
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import lambda_svc, sqs

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.replacing import replace
from local_cloud.ministack.sqs import queue_messages


def install(parts: Parts) -> None:
    """Attach it."""

    def poll() -> bool:
        # A stored mapping polls before the server serves.
        return app._MAIN_LOOP is not None and parts.sources.poll()

    def noting(sweep: Callable[..., None]) -> Callable[..., None]:
        def swept(queue: dict[str, Any]) -> None:
            before = list(queue["messages"])
            sweep(queue)
            left = {id(each) for each in queue["messages"]}
            moved = [each for each in before if id(each) not in left]
            if moved:
                arn = queue["attributes"]["QueueArn"]
                target = json.loads(queue["attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
                parts.sources.dead_lettered(
                    arn, target, [queue_messages.of(each, {}, arn) for each in moved]
                )

        return swept

    replace(lambda_svc, "_poll_sqs", lambda _: poll)
    replace(sqs, "_dlq_sweep", noting)
