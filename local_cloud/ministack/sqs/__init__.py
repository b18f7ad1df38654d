"""SQS refuses what AWS refuses, and has the redrive of dead-letter queues."""

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.sqs import (
    event_sources,
    message_checks,
    move_tasks,
    queue_checks,
    receipts,
)


def install(parts: Parts) -> None:
    """Attach all of it. Once per process, before the first request."""
    event_sources.install(parts)
    for each in (message_checks, queue_checks, receipts, move_tasks):
        each.install()
