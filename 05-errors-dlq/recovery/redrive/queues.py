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

OUT_OF_SIGHT_SECONDS = 120
"""How long a message that was taken is hidden; a killed redrive's come back after that."""
HOLD_SECONDS = 60
"""How long one is hidden while its consumer runs: longer than a consumer's answer is waited for."""
TAKE_AT_MOST = 1_000
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
    """`failed` or `undelivered`."""
    url: str
    function_name: str


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

    def take(self) -> list[DeadLetter]:
        """Take visible messages of all queues out of sight, for two minutes.

        All there are, or `TAKE_AT_MOST` of a queue that holds more.
        """
        ...

    def put_back(self, letters: Iterable[DeadLetter]) -> None:
        """Let messages be seen again; those that are no longer ours are left as they are.

        Raises nothing: a message that is not put back is seen again by itself.
        """
        ...

    def hold(self, letter: DeadLetter) -> bool:
        """Keep a message out of sight for a minute from now.

        Returns:
            False if it is no longer ours: its time was over, or another has taken or deleted it.
        """
        ...

    def delete(self, letter: DeadLetter) -> None:
        """Remove a message for good; one that is no longer ours is left to who has it."""
        ...

    def waiting(self) -> dict[tuple[str, str], Waiting]:
        """Return (consumer, kind) → how many messages wait."""
        ...


class SqsDeadLetterQueues:
    """Dead-letter queues in SQS. Every method may raise `AwsRequestError`, but `put_back`."""

    def __init__(
        self,
        sqs: Any,
        queues: Sequence[Queue],
        *,
        wait_seconds: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a boto3 `sqs` client, the queues, and a clock in seconds.

        The clock must not stand still while the machine sleeps, as a monotonic one may: SQS's
        does not.

        Without a wait SQS asks only some of its servers before it calls a queue empty.
        """
        self._sqs = sqs
        self._queues = {(queue.consumer, queue.kind): queue for queue in queues}
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._ours_until: dict[str, float] = {}

    def take(self) -> list[DeadLetter]:
        """See `DeadLetterQueues`. What it took so far is put back if anything goes wrong."""
        taken: list[DeadLetter] = []
        stop = threading.Event()
        try:
            with self._threads() as threads:
                try:
                    jobs = [
                        threads.submit(self._drain, queue, taken, stop)
                        for queue in self._queues.values()
                    ]
                    for job in jobs:
                        job.result()
                except BaseException:
                    stop.set()
                    raise
        except BaseException:
            self.put_back(taken)
            raise
        return taken

    def put_back(self, letters: Iterable[DeadLetter]) -> None:
        """See `DeadLetterQueues`."""
        by_queue: dict[tuple[str, str], list[DeadLetter]] = {}
        for letter in letters:
            if self._is_ours(letter):
                by_queue.setdefault((letter.consumer, letter.queue), []).append(letter)
        if by_queue:
            with self._threads() as threads:
                list(threads.map(self._show, by_queue, by_queue.values()))

    def hold(self, letter: DeadLetter) -> bool:
        """See `DeadLetterQueues`."""
        # SQS may still honour the receipt of a message that another has taken since.
        if not self._is_ours(letter):
            return False
        until = self._clock() + HOLD_SECONDS
        held = self._if_ours(
            letter, self._sqs.change_message_visibility, VisibilityTimeout=HOLD_SECONDS
        )
        if held:
            self._ours_until[letter.receipt_handle] = until
        else:
            self._ours_until.pop(letter.receipt_handle, None)
        return held

    def delete(self, letter: DeadLetter) -> None:
        """See `DeadLetterQueues`."""
        self._if_ours(letter, self._sqs.delete_message)
        self._ours_until.pop(letter.receipt_handle, None)

    def waiting(self) -> dict[tuple[str, str], Waiting]:
        """See `DeadLetterQueues`."""
        with self._threads() as threads:
            counts = threads.map(self._count, self._queues.values())
            return dict(zip(self._queues, counts, strict=True))

    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(len(self._queues), 1))

    def _drain(self, queue: Queue, taken: list[DeadLetter], stop: threading.Event) -> None:
        """Receive until the queue is empty, or enough is taken for one round."""
        room = TAKE_AT_MOST
        while room > 0 and not stop.is_set():
            until = self._clock() + OUT_OF_SIGHT_SECONDS
            answer = _call(
                queue,
                self._sqs.receive_message,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=OUT_OF_SIGHT_SECONDS,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                letter = read(
                    message,
                    consumer=queue.consumer,
                    queue=queue.kind,
                    function_name=queue.function_name,
                )
                self._ours_until[letter.receipt_handle] = until
                taken.append(letter)
            room -= len(messages)

    def _show(self, key: tuple[str, str], letters: Iterable[DeadLetter]) -> None:
        for batch in _batches(letters):
            entries = [
                {"Id": str(number), "ReceiptHandle": letter.receipt_handle, "VisibilityTimeout": 0}
                for number, letter in enumerate(batch)
            ]
            try:
                _call(self._queues[key], self._sqs.change_message_visibility_batch, Entries=entries)
            except AwsRequestError:
                return  # they are seen again when their time is over
            for letter in batch:
                self._ours_until.pop(letter.receipt_handle, None)

    def _count(self, queue: Queue) -> Waiting:
        visible, held = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        answer = _call(queue, self._sqs.get_queue_attributes, AttributeNames=[visible, held])
        return Waiting(int(answer["Attributes"][visible]), int(answer["Attributes"][held]))

    def _is_ours(self, letter: DeadLetter) -> bool:
        return self._clock() < self._ours_until.get(letter.receipt_handle, 0.0)

    def _if_ours(
        self, letter: DeadLetter, operation: Callable[..., Any], **parameters: Any
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

        queue = self._queues[letter.consumer, letter.queue]
        return bool(_call(queue, attempt, ReceiptHandle=letter.receipt_handle, **parameters))


def _call(queue: Queue, operation: Callable[..., Any], **parameters: Any) -> Any:
    try:
        return aws.call(operation, QueueUrl=queue.url, **parameters)
    except AwsRequestError as error:
        raise AwsRequestError(f"queue {queue.kind} of {queue.consumer}: {error}") from None


def _batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    rest = iter(letters)
    while batch := list(islice(rest, BATCH)):
        yield batch
