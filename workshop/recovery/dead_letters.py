"""A stack's dead letters: stage 5's own redrive, on the queues and consumers of a stack."""

import contextlib
import sys
from collections.abc import Generator
from dataclasses import dataclass

from workshop.deployment.stack import Stack
from workshop.errors import UsageError, WorkshopError
from workshop.paths import RECOVERY_STAGE, ROOT

# The command and the function are one redrive. A stage is no installed package, so its folder
# goes on the path: here, and nowhere else. Last, so that it hides nothing.
sys.path.append(str(ROOT / "05-errors-dlq"))

from recovery.redrive.consumers import ANSWER_SECONDS, Consumers, LambdaConsumers
from recovery.redrive.dead_letter import FAILED, UNDELIVERED, DeadLetter
from recovery.redrive.queues import DeadLetterQueues, SqsDeadLetterQueues, Waiting
from recovery.redrive.service import (
    EVERYTHING,
    Attempt,
    Result,
    Wanted,
    discard,
    look,
    redrive,
)
from recovery.redrive.settings import queues_and_functions

__all__ = [
    "EVERYTHING",
    "FAILED",
    "UNDELIVERED",
    "Attempt",
    "DeadLetter",
    "DeadLetterQueues",
    "DeadLetters",
    "Result",
    "Waiting",
    "Wanted",
    "discard",
    "look",
    "missing",
    "of",
]


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues of a stack, and the consumers that they belong to."""

    queues: DeadLetterQueues
    consumers: Consumers
    keys: tuple[str, ...]
    """The consumers' keys, such as ``payment``."""

    def redriven(
        self, wanted: Wanted, rate: float = 10.0
    ) -> contextlib.closing[Generator[Attempt, None, None]]:
        """Hand letters to their consumers again, at most so many a second; attempt by attempt.

        To be used with `with`: however it ends, what was held goes back into its queue.
        """
        return contextlib.closing(redrive(self.queues, self.consumers, wanted, rate=rate))


def of(stack: Stack, consumer: str | None = None) -> DeadLetters:
    """The dead letters of a stack, or of one consumer: nobody else's queues are touched then.

    Raises:
        WorkshopError: The stack has not got that far; the message names the command.
        UsageError: There is no such consumer; the message names those there are.
    """
    urls = stack.outputs.dead_letter_queue_urls
    if not urls:
        raise missing("Dead-letter queues come", stack)
    if consumer is not None:
        if consumer not in urls:
            raise UsageError(f"There is no consumer {consumer}: {', '.join(urls)}.")
        urls = {consumer: urls[consumer]}
    queues, functions = queues_and_functions(urls, {key: stack.invokable(key) for key in urls})
    return DeadLetters(
        SqsDeadLetterQueues(stack.client("sqs"), queues),
        LambdaConsumers(stack.patient_client("lambda", ANSWER_SECONDS), functions),
        tuple(urls),
    )


def missing(what: str, stack: Stack) -> WorkshopError:
    """The sentence for a stack that lacks what stage 5 brings."""
    if stack.stage >= RECOVERY_STAGE:
        return WorkshopError("The last `make up` has not come to its end: run it again.")
    return WorkshopError(
        f"{what} with stage {RECOVERY_STAGE}, and this is stage {stack.stage}. "
        f"Go on with: make up STAGE={RECOVERY_STAGE}"
    )
