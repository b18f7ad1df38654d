"""A stack's dead letters: stage 5's redrive with the stack's queues and consumers."""

import contextlib
import sys
from collections.abc import Collection, Generator
from dataclasses import dataclass

from workshop.deployment.aws_errors import NOT_FOUND
from workshop.deployment.stack import Stack
from workshop.errors import UsageError, WorkshopError
from workshop.paths import stage_folder
from workshop.stages import stage_of

# The command and the function share one redrive. A stage is not an installed package, so its
# folder is added to the path, here only, and last, so that it hides no other module.
sys.path.append(str(stage_folder(stage_of("redrive"))))

from recovery.redrive.consumers import ANSWER_SECONDS, Consumers, LambdaConsumers
from recovery.redrive.dead_letter import FAILED, UNDELIVERED, UNPROCESSED, DeadLetter
from recovery.redrive.queues import DeadLetterQueues, SqsDeadLetterQueues, Waiting
from recovery.redrive.service import (
    EVERYTHING,
    Attempt,
    Filter,
    Result,
    discard,
    look,
    redrive,
)
from recovery.redrive.settings import queues_and_functions

__all__ = [
    "EVERYTHING",
    "FAILED",
    "UNDELIVERED",
    "UNPROCESSED",
    "Attempt",
    "DeadLetter",
    "DeadLetterQueues",
    "DeadLetters",
    "Filter",
    "Result",
    "Waiting",
    "discard",
    "look",
    "missing",
    "missing_queues",
    "name",
    "of",
]


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queues of a stack, and their consumers."""

    queues: DeadLetterQueues
    consumers: Consumers
    keys: tuple[str, ...]
    """The consumers' keys, such as ``payment``."""

    def redriven(
        self, wanted: Filter, rate: float = 10.0
    ) -> contextlib.closing[Generator[Attempt, None, None]]:
        """Redrive dead letters, and yield each attempt.

        Use it in a `with` statement: at its end, received messages are released to their queues.

        Args:
            wanted: Which dead letters.
            rate: Maximum messages per second.
        """
        return contextlib.closing(redrive(self.queues, self.consumers, wanted, rate=rate))


def of(
    stack: Stack,
    consumer: str | None = None,
    *,
    without: Collection[str] = (),
    wait_seconds: int = 1,
) -> DeadLetters:
    """Return the dead letters of a stack, or of one consumer only.

    Args:
        stack: The stack.
        consumer: The key of the consumer; None for all consumers.
        without: Names of queues to leave out, as `missing_queues` returns them.
        wait_seconds: How long a queue is asked for more messages before it counts as empty. With 0,
            AWS asks only some of its servers, and may miss messages.

    Raises:
        WorkshopError: The stack has no dead-letter queues; the message names the command.
        UsageError: There is no such consumer; the message names the consumers.
    """
    urls = _urls(stack, consumer)
    queues, functions = queues_and_functions(urls, {key: stack.invokable_arn(key) for key in urls})
    present = [each for each in queues if name(each.consumer, each.kind) not in without]
    return DeadLetters(
        SqsDeadLetterQueues(stack.client("sqs"), present, wait_seconds=wait_seconds),
        LambdaConsumers(stack.patient_client("lambda", ANSWER_SECONDS), functions),
        tuple(urls),
    )


def missing_queues(stack: Stack, consumer: str | None = None) -> list[str]:
    """Return the names of the dead-letter queues that do not exist, such as payment-failed.

    Raises:
        WorkshopError: The stack has no dead-letter queues; the message names the command.
        UsageError: There is no such consumer; the message names the consumers.
        ClientError: AWS refused a request for another reason.
    """
    from botocore.exceptions import ClientError

    sqs = stack.client("sqs")
    absent = []
    for key, kinds in _urls(stack, consumer).items():
        for kind, url in kinds.items():
            try:
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            except ClientError as error:
                if not NOT_FOUND.search(error.response["Error"]["Code"]):
                    raise
                absent.append(name(key, kind))
    return absent


def name(consumer: str, kind: str) -> str:
    """Return a queue's name in messages, such as payment-failed."""
    return f"{consumer}-{kind}"


def _urls(stack: Stack, consumer: str | None) -> dict[str, dict[str, str]]:
    """Return the queues' URLs by consumer and kind, of one consumer if it is given."""
    urls = stack.outputs.dead_letter_queue_urls
    if not urls:
        raise missing("Dead-letter queues come", stack)
    if consumer is not None:
        if consumer not in urls:
            raise UsageError(
                f"There is no consumer {consumer}. The consumers are {', '.join(urls)}."
            )
        return {consumer: urls[consumer]}
    return urls


def missing(what: str, stack: Stack) -> WorkshopError:
    """Return the error for a stack without a part of the redrive's stage."""
    stage = stage_of("redrive")
    if stack.stage >= stage:
        return WorkshopError("The last `make up` did not finish. Run it again.")
    return WorkshopError(
        f"{what} with stage {stage}. The stack is at stage {stack.stage}. "
        f"Run: make up STAGE={stage}"
    )
