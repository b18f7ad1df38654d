"""The recovery's test fixtures: dead letters, and queues to put them in."""

import io
import itertools
from types import SimpleNamespace

import boto3
import moto.sqs.models
import pytest
from recovery.redrive.dead_letter import FAILED, UNDELIVERED
from recovery.redrive.queues import Queue, SqsDeadLetterQueues

from tests.fixtures.dead_letters import (
    CONSUMERS,
    LAMBDA,
    DeadLettered,
    InMemory,
    RecordingConsumers,
    TimePasses,
    on_failure,
    target_attributes,
)


@pytest.fixture
def time_passes():
    return TimePasses()


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
            Queue(consumer, kind, self._make(f"{consumer}-{kind}"), f"{LAMBDA}orderflow-{consumer}")
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


@pytest.fixture
def in_memory(time_passes):
    """Queues without SQS, for what would be slow with it."""
    return DeadLettered(InMemory(time_passes), time_passes)


@pytest.fixture(params=["memory", "sqs"])
def dead_lettered(request, time_passes, monkeypatch):
    """Both kinds of queues, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return request.getfixturevalue("in_memory")
    request.getfixturevalue("aws")
    return DeadLettered(InSqs(time_passes, monkeypatch), time_passes)


@pytest.fixture
def consumers():
    return RecordingConsumers()


@pytest.fixture(scope="session")
def formats():
    """Both formats of a dead letter as AWS writes them."""
    return SimpleNamespace(on_failure=on_failure, target_attributes=target_attributes)


class LambdaContextWithTime:
    """A Lambda context that returns how much time is left."""

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
