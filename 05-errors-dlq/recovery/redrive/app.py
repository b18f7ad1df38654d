"""The redrive function: its entry point, and how its parts are put together."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orderflow.step import entry_point, logged_failures, logger, metrics
from recovery.redrive import request, service
from recovery.redrive.consumers import Consumers, LambdaConsumers, lambda_client
from recovery.redrive.dead_letter import DeadLetter
from recovery.redrive.queues import Queue, SqsDeadLetterQueues, sqs_client
from recovery.redrive.service import Result
from recovery.redrive.settings import from_environment

MAX_REPORTED = 100
"""Messages listed in a report: it stays far below the 6 MB that Lambda returns."""
RESERVE_MS = 90_000
"""Remaining time below which no further message is started: each one needs its visibility
extended, its function invoked, and its deletion."""


@dataclass(frozen=True, slots=True)
class App:
    """The redrive function with all that it uses."""

    sqs: Any
    """A boto3 `sqs` client."""
    queues: Sequence[Queue]
    consumers: Consumers
    wait_seconds: int
    """How long SQS waits for a message before it reports an empty queue."""

    @entry_point
    def redrive(self, event: Any, context: Any) -> dict[str, Any]:
        """Redrive the dead letters that match the request, or with `dry_run` only list them."""
        with logged_failures():
            requested = request.parse(event, {queue.consumer for queue in self.queues})
            consumer = requested.wanted.consumer
            dead_letters = SqsDeadLetterQueues(
                self.sqs,
                [queue for queue in self.queues if consumer in {None, queue.consumer}],
                wait_seconds=self.wait_seconds,
            )
            if requested.dry_run:
                return _listed(service.look(dead_letters, requested.wanted))
            stop = _Stop(context.get_remaining_time_in_millis)
            attempts = service.redrive(
                dead_letters, self.consumers, requested.wanted, rate=requested.rate, until=stop
            )
            counts = Counter[Result]()
            messages: list[dict[str, Any]] = []
            with contextlib.closing(attempts):
                for attempt in attempts:
                    counts[attempt.result] += 1
                    entry = _entry(
                        attempt.dead_letter, attempt.result, attempt.error, attempt.reason
                    )
                    _log(attempt.result, entry)
                    messages += [entry] if len(messages) < MAX_REPORTED else []
            numbers = {result.value: counts[result] for result in Result}
            _measure(numbers)
            return {**numbers, "finished": not stop.stopped, "messages": messages}


def build(
    environment: Mapping[str, str],
    *,
    sqs: Any = None,
    awslambda: Any = None,
    wait_seconds: int = 1,
) -> App:
    """Put the function together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        sqs: A boto3 `sqs` client.
        awslambda: A boto3 `lambda` client.
        wait_seconds: How long SQS waits for a message before it reports an empty queue.

    Raises:
        SettingsError: `CONSUMERS` is missing or has an invalid value.
    """
    queues, functions = from_environment(environment)
    return App(
        sqs=sqs or sqs_client(),
        queues=queues,
        consumers=LambdaConsumers(awslambda or lambda_client(), functions),
        wait_seconds=wait_seconds,
    )


class _Stop:
    """Whether the function's time is nearly over; remembers that it was."""

    def __init__(self, remaining_ms: Callable[[], int]) -> None:
        self._remaining_ms = remaining_ms
        self.stopped = False

    def __call__(self) -> bool:
        self.stopped = self.stopped or self._remaining_ms() < RESERVE_MS
        return self.stopped


def _listed(dead_letters: list[DeadLetter]) -> dict[str, Any]:
    """Return the report of a dry run."""
    unrecognised = sum(dead_letter.unrecognised is not None for dead_letter in dead_letters)
    numbers = {"waiting": len(dead_letters) - unrecognised, "unrecognised": unrecognised}
    _measure({"waiting": numbers["waiting"]})
    messages = [
        _entry(dead_letter, Result.UNRECOGNISED if dead_letter.unrecognised else "waiting")
        for dead_letter in dead_letters[:MAX_REPORTED]
    ]
    return {**numbers, "messages": messages}


def _measure(numbers: dict[str, int]) -> None:
    for name, value in numbers.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _entry(
    dead_letter: DeadLetter, result: str, error: str = "", reason: str = ""
) -> dict[str, Any]:
    """Return a message's entry in a report; of its content it has only ids."""
    if not error:
        error, reason = dead_letter.error, dead_letter.unrecognised or dead_letter.reason
    return {
        "message_id": dead_letter.message_id,
        "consumer": dead_letter.consumer,
        "queue": dead_letter.queue,
        "order_id": dead_letter.order_id,
        "event": dead_letter.step,
        "error": error,
        "reason": reason,
        "attempts": dead_letter.attempts,
        "result": str(result),
    }


def _log(result: Result, entry: dict[str, Any]) -> None:
    log = logger.info if result is Result.REDRIVEN else logger.warning
    extra = {name: value for name, value in entry.items() if name not in {"order_id", "result"}}
    log(result.replace("_", " "), extra={"correlation_id": entry["order_id"], **extra})
