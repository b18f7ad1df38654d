"""The recovery's test fixtures: dead letters as AWS writes them, and queues to put them in."""

import io
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import moto.sqs.models
import pytest
from recovery.redrive.consumers import Refusal
from recovery.redrive.dead_letter import FAILED, UNDELIVERED, read
from recovery.redrive.queues import (
    HOLD_SECONDS,
    OUT_OF_SIGHT_SECONDS,
    Queue,
    SqsDeadLetterQueues,
    Waiting,
)

from tests.fixtures.events import delivered, example

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"
CONSUMERS = ("payment", "inventory")


def on_failure(event: Any, consumer: str = "payment", **changes: Any) -> dict[str, Any]:
    """Return Lambda's record of an event that a consumer could not process."""
    return {
        "version": "1.0",
        "timestamp": "2026-01-15T10:05:00.000Z",
        "requestContext": {
            "requestId": "7a7e1a0e-0000-4000-8000-000000000000",
            "functionArn": f"{LAMBDA}orderflow-{consumer}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {
            "errorMessage": "the gateway does not answer",
            "errorType": "GatewayUnavailableError",
        },
        **changes,
    }


def target_attributes(consumer: str = "payment", **changes: str) -> dict[str, Any]:
    """Return the attributes EventBridge gives an event that it could not deliver."""
    texts = {
        "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/orderflow-bus/rule",
        "TARGET_ARN": f"{LAMBDA}orderflow-{consumer}",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized to perform lambda:InvokeFunction",
        **changes,
    }
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}


class TimePasses:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC)
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def time_passes():
    return TimePasses()


@dataclass
class Message:
    consumer: str
    kind: str
    content: dict[str, Any]
    visible_at: float = 0.0
    receipt: str = ""


class InMemoryDeadLetterQueues:
    """The port without SQS; two of them on the same messages are two redrives."""

    receipts = itertools.count()
    most = 1_000_000
    """Messages of one round; tests that set it use one queue."""

    def __init__(self, messages, clock) -> None:
        self._messages = messages
        self._clock = clock

    def take(self):
        found = [m for m in self._messages if m.visible_at <= self._clock()][: self.most]
        for message in found:
            message.receipt = f"receipt-{next(self.receipts)}"
            message.visible_at = self._clock() + OUT_OF_SIGHT_SECONDS
        return [
            read(
                {**m.content, "ReceiptHandle": m.receipt},
                consumer=m.consumer,
                queue=m.kind,
                function_name=f"orderflow-{m.consumer}",
            )
            for m in found
        ]

    def put_back(self, letters):
        for letter in letters:
            for message in self._ours(letter):
                message.visible_at = self._clock()

    def hold(self, letter):
        for message in self._ours(letter):
            message.visible_at = self._clock() + HOLD_SECONDS
            return True
        return False

    def delete(self, letter):
        for message in self._ours(letter):
            self._messages.remove(message)

    def waiting(self):
        counts = {}
        for consumer, kind in itertools.product(CONSUMERS, (UNDELIVERED, FAILED)):
            mine = [m for m in self._messages if (m.consumer, m.kind) == (consumer, kind)]
            held = sum(m.visible_at > self._clock() for m in mine)
            counts[consumer, kind] = Waiting(len(mine) - held, held)
        return counts

    def _ours(self, letter):
        return [
            message
            for message in self._messages
            if message.receipt == letter.receipt_handle and message.visible_at > self._clock()
        ]


class InMemory:
    """Dead-letter queues of two consumers, without SQS."""

    def __init__(self, time_passes) -> None:
        self._time = time_passes
        self._messages: list[Message] = []
        self._ids = itertools.count()

    def port(self):
        return InMemoryDeadLetterQueues(self._messages, self._time.monotonic)

    def send(self, consumer, kind, body, attributes):
        message_id = f"{next(self._ids):08d}-0000-4000-8000-000000000000"
        content = {
            "MessageId": message_id,
            "Body": body,
            "MessageAttributes": attributes,
            "Attributes": {"SentTimestamp": str(int(self._time.now().timestamp() * 1000))},
        }
        self._messages.append(Message(consumer, kind, content, self._time.monotonic()))
        return message_id


class InSqs:
    """The same in moto's SQS, whose clock is the test's."""

    def __init__(self, time_passes, monkeypatch) -> None:
        self._time = time_passes
        self._sqs = boto3.client("sqs")
        looks = itertools.count()
        monkeypatch.setattr(
            moto.sqs.models,
            "unix_time_millis",
            # A message is visible from the millisecond after: here each look takes one.
            lambda *_: int(time_passes.now().timestamp() * 1000) + next(looks),
        )
        self._queues = [
            Queue(consumer, kind, self._make(f"{consumer}-{kind}"), f"orderflow-{consumer}")
            for consumer in CONSUMERS
            for kind in (UNDELIVERED, FAILED)
        ]

    def _make(self, name):
        return self._sqs.create_queue(QueueName=f"orderflow-{name}")["QueueUrl"]

    def port(self):
        return SqsDeadLetterQueues(
            self._sqs, self._queues, wait_seconds=0, clock=self._time.monotonic
        )

    def send(self, consumer, kind, body, attributes):
        (url,) = [q.url for q in self._queues if (q.consumer, q.kind) == (consumer, kind)]
        answer = self._sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageAttributes=attributes
        )
        return answer["MessageId"]


class Parked:
    """Dead-letter queues, and ways to fill them and to look into them."""

    def __init__(self, backend, time_passes) -> None:
        self._backend = backend
        self.time = time_passes
        self.queues = backend.port()

    def another_redrive(self):
        """Return the same queues, as somebody else has them."""
        return self._backend.port()

    def failed(self, order_id="order-1", consumer="payment", **changes):
        """Park an event that a consumer could not process; returns the message's id."""
        event = delivered(example("OrderCreated", order_id=order_id))
        return self.raw(json.dumps(on_failure(event, consumer, **changes)), consumer)

    def undelivered(self, order_id="order-1", consumer="payment"):
        """Park an event that EventBridge could not deliver."""
        event = delivered(example("OrderCreated", order_id=order_id))
        return self.raw(json.dumps(event), consumer, UNDELIVERED, target_attributes(consumer))

    def raw(self, body, consumer="payment", kind=FAILED, attributes=None):
        """Park any message."""
        return self._backend.send(consumer, kind, body, attributes or {})

    def counts(self):
        """Return how many messages can be seen, and how many are held."""
        waiting = self.queues.waiting().values()
        return sum(queue.visible for queue in waiting), sum(queue.held for queue in waiting)

    def visible(self):
        """Return the ids of the messages that can be seen, and leave them where they are."""
        taken = self.queues.take()
        self.queues.put_back(taken)
        return sorted(letter.message_id for letter in taken)


@pytest.fixture
def in_memory(time_passes):
    """Queues without SQS, for what would be slow with it."""
    return Parked(InMemory(time_passes), time_passes)


@pytest.fixture(params=["memory", "sqs"])
def parked(request, time_passes, monkeypatch):
    """Both kinds of queues, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return request.getfixturevalue("in_memory")
    request.getfixturevalue("aws")
    return Parked(InSqs(time_passes, monkeypatch), time_passes)


@dataclass
class RecordingConsumers:
    """The port `Consumers`: keeps what was invoked, and refuses the orders it is told to."""

    invoked: list[tuple[str, str]] = field(default_factory=list)
    effects: set[tuple[str, str]] = field(default_factory=set)
    """What invoking brought about: each event does its work once, as every consumer sees to."""
    refuse: set[str] = field(default_factory=set)
    crash: BaseException | None = None
    during: Any = None
    """Called while a consumer runs."""

    def invoke(self, consumer, event):
        order_id = event["detail"]["metadata"]["correlation_id"]
        self.invoked.append((consumer, order_id))
        if self.during:
            self.during()
        if self.crash:
            raise self.crash
        if order_id in self.refuse:
            return Refusal("GatewayUnavailableError", "the gateway does not answer")
        self.effects.add((consumer, order_id))
        return None


@pytest.fixture
def consumers():
    return RecordingConsumers()


@pytest.fixture(scope="session")
def formats():
    """Both formats of a dead letter as AWS writes them."""
    return SimpleNamespace(on_failure=on_failure, target_attributes=target_attributes)


class LambdaContextWithTime:
    """A Lambda context that tells how much time is left."""

    function_name = "test"
    memory_limit_in_mb = 256
    invoked_function_arn = f"{LAMBDA}test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def __init__(self) -> None:
        self.remaining_ms = 300_000

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


@pytest.fixture
def context():
    return LambdaContextWithTime()


@pytest.fixture
def written(aws, monkeypatch, capsys):
    """Return what a function wrote since the last call: its log and its metrics, a line each."""
    from orderflow import step  # noqa: PLC0415 - it reads the environment that `aws` sets

    stream = io.StringIO()
    # The logger keeps the stream of its first import, which is some other test's.
    monkeypatch.setattr(step.logger.registered_handler, "stream", stream)

    def read_lines():
        lines = stream.getvalue().splitlines() + capsys.readouterr().out.splitlines()
        stream.seek(stream.truncate(0))
        return lines

    return read_lines
