"""The dead-letter queues: a port, and SQS behind it."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from orderflow import aws
from orderflow.errors import AwsRequestError
from recovery.redrive.dead_letter import DeadLetter, read

VISIBILITY_TIMEOUT_SECONDS = 120
"""How long a message that was taken is hidden; a killed redrive's come back after that."""
EXTENDED_VISIBILITY_SECONDS = 60
"""How long one is hidden while its consumer runs: longer than a consumer's answer is waited for."""
RECEIVE_AT_MOST = 1_000
"""Messages of one queue in one round: about what can be redriven while they are hidden."""
BATCH = 10
"""Messages in one request: SQS's limit."""

NO_LONGER_OURS = {"MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"}
"""SQS's codes for a message whose hiding is over, or that is gone; it has one per case and age."""

CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
)
"""Time limits of the SQS client; a long poll answers after one second."""


def sqs_client() -> Any:
    """Return a boto3 client for the queues."""
    return boto3.client("sqs", config=CONFIG)


@dataclass(frozen=True, slots=True)
class Queue:
    """One dead-letter queue, and the function whose failures it keeps."""

    consumer: str
    kind: str
    """`failed`, `undelivered` or `unprocessed`."""
    url: str
    function_arn: str
    """Without version or alias."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages a queue holds, roughly: to be seen, and held by someone."""

    visible: int
    held: int

    @property
    def total(self) -> int:
        """All of them, whoever sees them."""
        return self.visible + self.held


class DeadLetterQueues(Protocol):
    """What a redrive needs of the queues. Only `delete` removes a message."""

    def receive(self) -> list[DeadLetter]:
        """Receive the visible messages of all queues; they are invisible for two minutes.

        All there are, or `RECEIVE_AT_MOST` of a queue that holds more.
        """
        ...

    def release(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Make messages visible again; those that are no longer ours stay as they are.

        Raises nothing: a message that is not released becomes visible again by itself.
        """
        ...

    def extend_visibility(self, dead_letter: DeadLetter) -> bool:
        """Keep a message invisible for a minute from now.

        Returns:
            False if it is no longer ours: its time was over, or another has taken or deleted it.
        """
        ...

    def delete(self, dead_letter: DeadLetter) -> None:
        """Remove a message for good; one that is no longer ours is left to who has it."""
        ...

    def waiting(self) -> dict[tuple[str, str], Waiting]:
        """Return (consumer, kind) → how many messages wait."""
        ...


class SqsDeadLetterQueues:
    """Dead-letter queues in SQS. Every method may raise `AwsRequestError`, but `release`."""

    def __init__(
        self,
        sqs: Any,
        queues: Sequence[Queue],
        *,
        wait_seconds: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a boto3 `sqs` client, the queues, and a clock in seconds.

        The clock must go on while the machine sleeps, as the clock of SQS does. A monotonic clock
        may stop.

        Without a wait SQS asks only some of its servers before it calls a queue empty.
        """
        self._sqs = sqs
        self._queues = {(queue.consumer, queue.kind): queue for queue in queues}
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._ours_until: dict[str, float] = {}

    def receive(self) -> list[DeadLetter]:
        """See `DeadLetterQueues`. It releases what it received if anything goes wrong."""
        received: list[DeadLetter] = []
        stop = threading.Event()
        try:
            with self._threads() as threads:
                try:
                    jobs = [
                        threads.submit(self._drain, queue, received, stop)
                        for queue in self._queues.values()
                    ]
                    for job in jobs:
                        job.result()
                except BaseException:
                    stop.set()
                    raise
        except BaseException:
            self.release(received)
            raise
        return received

    def release(self, dead_letters: Iterable[DeadLetter]) -> None:
        """See `DeadLetterQueues`."""
        by_queue: dict[tuple[str, str], list[DeadLetter]] = {}
        for dead_letter in dead_letters:
            if self._is_ours(dead_letter):
                by_queue.setdefault((dead_letter.consumer, dead_letter.queue), []).append(
                    dead_letter
                )
        if by_queue:
            with self._threads() as threads:
                list(threads.map(self._show, by_queue, by_queue.values()))

    def extend_visibility(self, dead_letter: DeadLetter) -> bool:
        """See `DeadLetterQueues`."""
        # SQS may still honour the receipt of a message that another has taken since.
        if not self._is_ours(dead_letter):
            return False
        until = self._clock() + EXTENDED_VISIBILITY_SECONDS
        held = self._if_ours(
            dead_letter,
            self._sqs.change_message_visibility,
            VisibilityTimeout=EXTENDED_VISIBILITY_SECONDS,
        )
        if held:
            self._ours_until[dead_letter.receipt_handle] = until
        else:
            self._ours_until.pop(dead_letter.receipt_handle, None)
        return held

    def delete(self, dead_letter: DeadLetter) -> None:
        """See `DeadLetterQueues`."""
        self._if_ours(dead_letter, self._sqs.delete_message)
        self._ours_until.pop(dead_letter.receipt_handle, None)

    def waiting(self) -> dict[tuple[str, str], Waiting]:
        """See `DeadLetterQueues`."""
        with self._threads() as threads:
            counts = threads.map(self._count, self._queues.values())
            return dict(zip(self._queues, counts, strict=True))

    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(len(self._queues), 1))

    def _drain(self, queue: Queue, received: list[DeadLetter], stop: threading.Event) -> None:
        """Receive until the queue is empty, or enough is taken for one round."""
        room = RECEIVE_AT_MOST
        while room > 0 and not stop.is_set():
            until = self._clock() + VISIBILITY_TIMEOUT_SECONDS
            answer = _call(
                queue,
                self._sqs.receive_message,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=VISIBILITY_TIMEOUT_SECONDS,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp", "DeadLetterQueueSourceArn"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                dead_letter = read(
                    message,
                    consumer=queue.consumer,
                    queue=queue.kind,
                    function_arn=queue.function_arn,
                )
                self._ours_until[dead_letter.receipt_handle] = until
                received.append(dead_letter)
            room -= len(messages)

    def _show(self, key: tuple[str, str], dead_letters: Iterable[DeadLetter]) -> None:
        for batch in _batches(dead_letters):
            entries = [
                {
                    "Id": str(number),
                    "ReceiptHandle": dead_letter.receipt_handle,
                    "VisibilityTimeout": 0,
                }
                for number, dead_letter in enumerate(batch)
            ]
            try:
                _call(self._queues[key], self._sqs.change_message_visibility_batch, Entries=entries)
            except AwsRequestError:
                return  # they are seen again when their time is over
            for dead_letter in batch:
                self._ours_until.pop(dead_letter.receipt_handle, None)

    def _count(self, queue: Queue) -> Waiting:
        visible, held = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        answer = _call(queue, self._sqs.get_queue_attributes, AttributeNames=[visible, held])
        return Waiting(int(answer["Attributes"][visible]), int(answer["Attributes"][held]))

    def _is_ours(self, dead_letter: DeadLetter) -> bool:
        return self._clock() < self._ours_until.get(dead_letter.receipt_handle, 0.0)

    def _if_ours(
        self, dead_letter: DeadLetter, operation: Callable[..., Any], **parameters: Any
    ) -> bool:
        """Make a request about one message; return whether SQS still knew its receipt."""

        def attempt(**all_parameters: Any) -> bool:
            try:
                operation(**all_parameters)
            except ClientError as error:
                if error.response["Error"]["Code"].rpartition(".")[2] in NO_LONGER_OURS:
                    return False
                raise
            return True

        queue = self._queues[dead_letter.consumer, dead_letter.queue]
        return bool(_call(queue, attempt, ReceiptHandle=dead_letter.receipt_handle, **parameters))


def _call(queue: Queue, operation: Callable[..., Any], **parameters: Any) -> Any:
    try:
        return aws.call(operation, QueueUrl=queue.url, **parameters)
    except AwsRequestError as error:
        raise AwsRequestError(f"queue {queue.kind} of {queue.consumer}: {error}") from None


def _batches(dead_letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    rest = iter(dead_letters)
    while batch := list(islice(rest, BATCH)):
        yield batch
