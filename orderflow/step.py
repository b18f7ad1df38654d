"""One step of the flow, always the same: validate → decide and write once → publish."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from orderflow import contract
from orderflow.errors import OrderflowError
from orderflow.event import Event
from orderflow.publisher import Publisher
from orderflow.store import Stored

logger = Logger(utc=True, use_rfc3339=True)
metrics = Metrics()

Decide = Callable[[Event], Stored]


def run_step(raw: Any, decide: Decide, publisher: Publisher) -> dict[str, str]:
    """Validate an event, let the service decide and write, and publish the outcome that stands.

    An outcome that was stored before is published again: that repairs a crash between write and
    publish, and makes sending an event twice harmless and useful.

    Returns:
        The id of the event that came and of the one that went.

    Raises:
        PermanentError: The event cannot be processed; retries will fail as well.
        TransientError: Try again.
    """
    with failures_told():
        event = receive(raw)
        logger.info("consumed", extra={"event_id": event.event_id})
        stored = decide(event)
        publish(stored, publisher)
    return {"consumed": event.event_id, "published": stored.event.event_id}


def receive(raw: Any) -> Event:
    """Return the valid event inside EventBridge's envelope, its order id in every log line to come.

    Raises:
        InvalidEventError: The event breaks the contract.
    """
    event = contract.parse(raw)
    logger.append_keys(correlation_id=event.correlation_id)
    metrics.add_metric(name="consumed", unit=MetricUnit.Count, value=1)
    return event


@contextmanager
def failures_told() -> Iterator[None]:
    """Log the reason of a failure in one line, then let it through to Lambda."""
    try:
        yield
    except Exception as error:
        # The text of an error that is not ours might quote what it failed on; so might a traceback.
        reason = str(error) if isinstance(error, OrderflowError) else ""
        logger.error("failed", extra={"error": type(error).__name__, "reason": reason})  # noqa: TRY400
        metrics.add_metric(name="failed", unit=MetricUnit.Count, value=1)
        raise


def publish(stored: Stored, publisher: Publisher) -> None:
    """Publish a stored outcome, and tell logs and metrics.

    Raises:
        PublishError: The bus did not take it.
    """
    started = time.perf_counter()
    publisher.publish(stored.event)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    verb = "published again" if stored.repeated else "published"
    logger.info(verb, extra={"event_id": stored.event.event_id, "took_ms": took_ms})
    name = "repeated" if stored.repeated else stored.event.step
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
