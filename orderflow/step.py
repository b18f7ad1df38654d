"""One step of the flow, always the same: validate → decide and write once → publish."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from orderflow import contract
from orderflow.errors import OrderflowError, UnexpectedError
from orderflow.event import Event
from orderflow.publisher import Publisher
from orderflow.store import Stored

logger = Logger(utc=True, use_rfc3339=True, location=None)
metrics = Metrics()

logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging._srcfile = None  # noqa: SLF001 - as Python documents it
"""Our lines say neither which code wrote them, nor in which thread, so nothing looks for it: a line
takes a warm function a sixth less time. Source: Python's "Logging HOWTO", Optimization."""

Decide = Callable[[Event], Stored]

App = TypeVar("App")
Answer = TypeVar("Answer")


def entry_point(method: Callable[[App, Any, Any], Answer]) -> Callable[[App, Any, Any], Any]:
    """Make an app's method a Lambda entry point: it has a log context and metrics per event.

    With a queue in front of the function (docs/buffer.md), the method runs once per message. The
    entry point then returns the messages that failed, and only these return to the queue.
    """

    @logger.inject_lambda_context(clear_state=True)
    @metrics.log_metrics
    def handle(event: Any, context: Any, app: App, keys: dict[str, str]) -> Answer:
        if keys:
            logger.append_keys(**keys)
        return method(app, event, context)

    @wraps(method)
    def entry(app: App, event: Any, context: Any) -> Any:
        messages = _messages(event)
        if not messages:
            return handle(event, context, app=app, keys={})
        failed = []
        for record in messages:
            keys = {"message_id": record["messageId"]}
            try:
                handle(_message_body(record), context, app=app, keys=keys)
            except Exception:  # noqa: BLE001 - it is logged, and the other messages must run
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    return entry


def _messages(event: Any) -> list[dict[str, Any]]:
    """Return the SQS messages in an invocation's event; none if it is another event."""
    records = event.get("Records") if isinstance(event, dict) else None
    return [each for each in records or () if each.get("eventSource") == "aws:sqs"]


def _message_body(record: dict[str, Any]) -> Any:
    """Return the event in a message; the text itself, which the contract refuses, if it is none."""
    try:
        return json.loads(record["body"])
    except (ValueError, RecursionError):
        return record["body"]


def run_step(raw: Any, decide: Decide, publisher: Publisher) -> dict[str, str]:
    """Validate an event, let the service decide and write, and publish the stored outcome.

    An outcome that was stored before is published again: that repairs a crash between write and
    publish, and makes sending an event twice harmless and useful.

    Returns:
        The id of the event that came and of the one that went.

    Raises:
        PermanentError: The event cannot be processed; retries will fail as well.
        TransientError: Try again.
        UnexpectedError: Anything else.
    """
    with logged_failures():
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


def publish(stored: Stored, publisher: Publisher) -> None:
    """Publish a stored outcome, and tell logs and metrics.

    Raises:
        PublishError: The bus did not take it.
    """
    started = time.perf_counter()
    publisher.publish(stored.event)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    what = "published again" if stored.repeated else "published"
    logger.info(what, extra={"event_id": stored.event.event_id, "took_ms": took_ms})
    name = "repeated" if stored.repeated else stored.event.step
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


@contextmanager
def logged_failures() -> Iterator[None]:
    """Log why something failed in one line, then let it through to Lambda.

    Lambda writes an error's text and traceback to the same log, and into the failure record. Ours
    hold nothing personal; of any other, only its type goes on.

    Raises:
        OrderflowError: The failure; `UnexpectedError` if it was none of ours.
    """
    try:
        yield
    except OrderflowError as error:
        _log_failure(type(error).__name__, str(error))
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda must not quote it
        _log_failure(type(error).__name__, "")
        raise UnexpectedError(type(error).__name__) from None


def _log_failure(error: str, reason: str) -> None:
    logger.error("failed", extra={"error": error, "reason": reason})
    metrics.add_metric(name="failed", unit=MetricUnit.Count, value=1)
