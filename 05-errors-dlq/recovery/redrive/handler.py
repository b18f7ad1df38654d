"""Lambda entry point of the redrive: `redrive`."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orderflow.step import logged_failures, logger, metrics
from recovery.redrive import request, service
from recovery.redrive.consumers import LambdaConsumers, lambda_client
from recovery.redrive.dead_letter import DeadLetter
from recovery.redrive.queues import SqsDeadLetterQueues, sqs_client
from recovery.redrive.service import Result
from recovery.redrive.settings import from_environment

MESSAGES_TOLD = 100
"""Messages in an answer: it stays far below the 6 MB that Lambda returns."""
RESERVE_MS = 90_000
"""Time left at which no further message is begun: it must be held, answered and deleted."""

queues, functions = from_environment(os.environ)
sqs, consumers = sqs_client(), LambdaConsumers(lambda_client(), functions)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def redrive(event: Any, context: Any) -> dict[str, Any]:
    """Redrive the dead letters that are meant, or with `dry_run` only list them."""
    with logged_failures():
        asked = request.parse(event, functions)
        mine = [queue for queue in queues if asked.wanted.consumer in {None, queue.consumer}]
        dead_letters = SqsDeadLetterQueues(sqs, mine)
        if asked.dry_run:
            return _listed(service.look(dead_letters, asked.wanted))
        stop = _Stop(context.get_remaining_time_in_millis)
        attempts = service.redrive(
            dead_letters, consumers, asked.wanted, rate=asked.rate, until=stop
        )
        counts = Counter[Result]()
        messages: list[dict[str, Any]] = []
        with contextlib.closing(attempts):
            for attempt in attempts:
                counts[attempt.result] += 1
                told = _told(attempt.letter, attempt.result, attempt.error, attempt.reason)
                _log(attempt.result, told)
                messages += [told] if len(messages) < MESSAGES_TOLD else []
        numbers = {result.value: counts[result] for result in Result}
        _measure(numbers)
        return {**numbers, "finished": not stop.stopped, "messages": messages}


class _Stop:
    """Says when the function's time is nearly over, and remembers that it said so."""

    def __init__(self, remaining_ms: Callable[[], int]) -> None:
        self._remaining_ms = remaining_ms
        self.stopped = False

    def __call__(self) -> bool:
        self.stopped = self.stopped or self._remaining_ms() < RESERVE_MS
        return self.stopped


def _listed(letters: list[DeadLetter]) -> dict[str, Any]:
    foreign = sum(letter.foreign is not None for letter in letters)
    numbers = {"waiting": len(letters) - foreign, "foreign": foreign}
    _measure({"waiting": numbers["waiting"]})
    messages = [
        _told(letter, Result.FOREIGN if letter.foreign else "waiting")
        for letter in letters[:MESSAGES_TOLD]
    ]
    return {**numbers, "messages": messages}


def _measure(numbers: dict[str, int]) -> None:
    for name, value in numbers.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _told(letter: DeadLetter, result: str, error: str = "", reason: str = "") -> dict[str, Any]:
    """Return what an answer tells of a message: nothing of what is in it but ids."""
    if not error:
        error, reason = letter.error, letter.foreign or letter.reason
    return {
        "message_id": letter.message_id,
        "consumer": letter.consumer,
        "queue": letter.queue,
        "order_id": letter.order_id,
        "event": letter.step,
        "error": error,
        "reason": reason,
        "attempts": letter.attempts,
        "result": str(result),
    }


def _log(result: Result, told: dict[str, Any]) -> None:
    log = logger.info if result is Result.REDRIVEN else logger.warning
    extra = {name: value for name, value in told.items() if name not in {"order_id", "result"}}
    log(result.replace("_", " "), extra={"correlation_id": told["order_id"], **extra})
