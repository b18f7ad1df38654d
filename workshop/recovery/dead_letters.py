"""A stack's dead letters: stage 5's own redrive, on the queues and consumers of a stack."""

import contextlib
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from orderflow.errors import OrderflowError
from workshop.deployment.stack import Stack
from workshop.errors import UsageError, WorkshopError
from workshop.paths import ROOT

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
    "asking",
    "discard",
    "look",
    "of",
]

STAGE = 5


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

    def known(self, consumer: str | None) -> None:
        """Make sure that there is such a consumer, if one is named.

        Raises:
            UsageError: There is none; the message names those there are.
        """
        if consumer is not None and consumer not in self.keys:
            raise UsageError(f"There is no consumer {consumer}: {', '.join(self.keys)}.")


def of(stack: Stack) -> DeadLetters:
    """The dead letters of a stack.

    Raises:
        WorkshopError: The stack has not got that far; the message names the command.
    """
    urls = stack.outputs.dead_letter_queue_urls
    if not urls:
        raise WorkshopError(
            f"Dead-letter queues come with stage {STAGE}, and this is stage {stack.stage}. "
            f"Go on with: make up STAGE={STAGE}"
        )
    queues, functions = queues_and_functions(urls, stack.outputs.function_names)
    return DeadLetters(
        SqsDeadLetterQueues(stack.client("sqs"), queues),
        LambdaConsumers(stack.patient_client("lambda", ANSWER_SECONDS), functions),
        tuple(urls),
    )


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Tell what AWS refused in one sentence.

    Raises:
        WorkshopError: It refused something.
    """
    try:
        yield
    except (BotoCoreError, ClientError, OrderflowError) as error:
        raise WorkshopError(f"AWS did not do what it was asked: {error}") from error
