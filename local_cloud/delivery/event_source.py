"""A queue as a function's event source: Lambda receives its messages and invokes the function.

Sources: Lambda Developer Guide, "Using Lambda with Amazon SQS", "Creating and configuring an Amazon
SQS event source mapping", "Configuring scaling behavior for SQS event source mappings" and
"Handling errors for an SQS event source in Lambda"; SQS Developer Guide, "Using dead-letter queues
in Amazon SQS".
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local_cloud.delivery.clock import Clock, backoff
from local_cloud.delivery.delivery_log import Delivery, Journal, Origin, Outcome, moment
from local_cloud.delivery.emulator_port import (
    Cloud,
    DeliveryError,
    Ending,
    EventSource,
    Execution,
    Function,
    QueuedMessage,
)
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.work_queue import WorkQueue

_log = logging.getLogger("local_cloud.sqs")

MAX_RECEIVE_COUNT = "MaxReceiveCount"
"""The reason of a dead letter: it was received too often without success."""

REPORTED = "BatchItemFailure"
"""The reason of a message that the function reported as failed."""

_DECIDED = 100_000
"""The number of messages with a remembered decision of fault injection."""


@dataclass
class _Batch:
    """Messages that a function gets in one invocation.

    Attributes:
        source: The mapping.
        messages: The messages, invisible in their queue.
        visibility: The queue's visibility timeout, in AWS seconds.
        age: AWS seconds since the messages were received.
        refusals: The number of times in a row that the function could not run.
    """

    source: EventSource
    messages: Sequence[QueuedMessage]
    visibility: float
    age: float = 0.0
    refusals: int = 0
    request_id: str = field(default_factory=lambda: str(uuid4()))


class EventSources:
    """Polls the queues of all mappings and runs their functions."""

    def __init__(
        self, cloud: Cloud, queue: WorkQueue, clock: Clock, journal: Journal, switch: Switch
    ) -> None:
        self._cloud = cloud
        self._queue = queue
        self._clock = clock
        self._journal = journal
        self._switch = switch
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._known: set[str] = set()
        self._problems: dict[str, str] = {}
        self._decided: dict[str, None] = {}

    @property
    def in_flight(self) -> int:
        """Return the number of batches that are received and not finished."""
        with self._lock:
            return self._running.total()

    @property
    def buffered(self) -> int:
        """Return the number of messages in all queues whose function exists, also received ones."""
        return sum(
            each.context.copy().run(self._cloud.buffered, each)
            for each in self._cloud.event_sources()
        )

    def poll(self) -> bool:
        """Receive at most one batch per mapping; return whether there was one."""
        taken = [each.context.copy().run(self._poll, each) for each in self._cloud.event_sources()]
        return any(taken)

    def dead_lettered(
        self, queue_arn: str, target_arn: str, messages: Iterable[QueuedMessage]
    ) -> None:
        """Record that SQS moved messages to a dead-letter queue."""
        for source in self._cloud.event_sources():
            if source.queue_arn != queue_arn:
                continue
            function = source.context.copy().run(self._cloud.function, source.function_arn)
            if function is None:
                continue
            for each in messages:
                origin = _origin(each)
                _log.warning("%s: %s dead-lettered", function.name, each.message_id)
                self._journal.add(
                    Delivery(
                        function.name,
                        Outcome.DEAD_LETTERED,
                        origin,
                        attempt=each.received,
                        reason=MAX_RECEIVE_COUNT,
                        queue=target_arn,
                        accepted=each.visible_since,
                        message_id=each.message_id,
                    )
                )

    def _poll(self, source: EventSource) -> bool:
        function = self._cloud.function(source.function_arn)
        if self._queue.closed or function is None:
            return False
        visibility = self._cloud.visibility_timeout(source.queue_arn)
        if source.identifier not in self._known:
            # Another process received them before the cloud was stopped; its time is over.
            self._known.add(source.identifier)
            self._cloud.limit_invisibility(source.queue_arn, self._clock.real(visibility))
        if self._running[source.identifier] >= _limit(source, function) or not self._is_due(source):
            return False
        try:
            messages = self._received(source, function)
        except DeliveryError as error:
            self._report(source, f"PROBLEM: {error}")
            return False
        self._problems.pop(source.identifier, None)
        messages = [each for each in messages if self._is_delivered_now(source, function, each)]
        if messages:
            with self._lock:
                self._running[source.identifier] += 1
            self._put(_Batch(source, messages, visibility), 0.0)
        return bool(messages)

    def _is_due(self, source: EventSource) -> bool:
        """Return whether the batch is full, or the batch window of its oldest message is over."""
        if not source.window:
            return True
        visible, oldest = self._cloud.visible(source.queue_arn)
        return visible >= source.batch_size or oldest >= self._clock.real(source.window)

    def _received(self, source: EventSource, function: Function) -> list[QueuedMessage]:
        """Receive a batch: ten messages per request.

        Raises:
            DeliveryError: The function's role may not receive from the queue.
        """
        found: list[QueuedMessage] = []
        while (missing := source.batch_size - len(found)) > 0:
            most = min(missing, 10)
            more = self._cloud.receive_as_function(function, source.queue_arn, most)
            found += more
            if len(more) < most:
                break
        return found

    def _is_delivered_now(
        self, source: EventSource, function: Function, message: QueuedMessage
    ) -> bool:
        """Inject faults into a message's first delivery; return False if it is delayed.

        A queue delivers at least once: it may repeat and delay, but loses nothing.
        """
        if message.received != 1 or message.message_id in self._decided:
            return True
        self._decided[message.message_id] = None
        if len(self._decided) > _DECIDED:
            self._decided.pop(next(iter(self._decided)))
        origin = _origin(message)
        decision = self._switch.on_delivery(origin.identity, function.name, origin.detail_type)
        first, *others = decision.waits or (0.0,)
        for kind in decision.kinds if decision.waits else ():
            self._note(function, message, Outcome(kind), reason="injected fault")
        for seconds in others:
            copy = self._cloud.repeat_message(source.queue_arn, message, seconds)
            self._decided[copy] = None
        if first:
            self._cloud.postpone(source.queue_arn, message, first)
        return not first

    def _put(self, batch: _Batch, seconds: float) -> None:
        context = batch.source.context
        self._queue.put(lambda: context.copy().run(self._run, batch), seconds)

    def _run(self, batch: _Batch) -> None:
        """Run a batch once; the messages return to the queue even if the local cloud fails."""
        waits = False
        try:
            waits = self._attempt(batch)
        except Exception:  # noqa: BLE001 - whatever it is, the messages must return
            _log.exception("%s: the local cloud failed", batch.source.function_arn)
            self._cloud.hide(batch.source.queue_arn, batch.messages, self._left(batch))
        finally:
            if not waits:
                with self._lock:
                    self._running[batch.source.identifier] -= 1
                self._wake(0.0)

    def _attempt(self, batch: _Batch) -> bool:
        """Invoke the function; return whether the same batch waits for a retry of a throttle."""
        source = batch.source
        function = self._cloud.function(source.function_arn)
        if function is None:
            self._return(batch, batch.messages)
            return False
        started = moment()
        event = {"Records": [dict(each.record) for each in batch.messages]}
        done = self._cloud.execute(function, event, batch.request_id)
        batch.age += done.seconds
        if done.ending in {Ending.THROTTLED, Ending.SERVICE_ERROR}:
            return self._throttled(function, batch, started, done)
        failed = {each.message_id for each in batch.messages}
        reason = done.error_type
        if done.ending is Ending.RETURNED:
            failed = _failed_items(source, batch.messages, done.payload)
            reason = REPORTED
        succeeded = [each for each in batch.messages if each.message_id not in failed]
        try:
            if succeeded:
                self._cloud.delete_as_function(function, source.queue_arn, succeeded)
        except DeliveryError as error:
            self._report(source, f"PROBLEM: {error}")
            self._cloud.hide(source.queue_arn, succeeded, self._left(batch))
        for each in succeeded:
            self._decided.pop(each.message_id, None)
            self._note(function, each, Outcome.DELIVERED, batch, done, started)
        rest = [each for each in batch.messages if each.message_id in failed]
        next_try = moment(self._return(batch, rest)) if rest else ""
        for each in rest:
            self._note(
                function,
                each,
                Outcome.FAILED,
                batch,
                done,
                started,
                reason=reason,
                next_try=next_try,
            )
        return False

    def _throttled(self, function: Function, batch: _Batch, started: str, done: Execution) -> bool:
        """Retry with a back-off within the visibility timeout, then let the messages return."""
        batch.refusals += 1
        wait = backoff(batch.refusals)
        again = batch.age + wait < batch.visibility
        seconds = self._clock.real(wait if again else max(0.0, batch.visibility - batch.age))
        for each in batch.messages:
            self._note(
                function,
                each,
                Outcome.THROTTLED,
                batch,
                done,
                started,
                reason="throttled" if done.ending is Ending.THROTTLED else "service error",
                next_try=moment(seconds),
            )
        if again and not self._queue.closed:
            batch.age += wait
            self._put(batch, seconds)
            return True
        self._return(batch, batch.messages)
        return False

    def _return(self, batch: _Batch, messages: Sequence[QueuedMessage]) -> float:
        """Let messages become visible when their visibility timeout ends; return the seconds."""
        seconds = self._left(batch)
        self._cloud.hide(batch.source.queue_arn, messages, seconds)
        self._wake(seconds)
        return seconds

    def _left(self, batch: _Batch) -> float:
        """Return the real seconds that are left of the visibility timeout: waits are scaled."""
        return self._clock.real(max(0.0, batch.visibility - batch.age))

    def _wake(self, seconds: float) -> None:
        """Poll again after some seconds; a poll without a message is harmless."""
        timer = threading.Timer(seconds, self._cloud.wake_pollers)
        timer.daemon = True
        timer.start()

    def _report(self, source: EventSource, text: str) -> None:
        """Log a problem of a mapping once."""
        if self._problems.get(source.identifier) != text:
            self._problems[source.identifier] = text
            _log.error("mapping %s: %s", source.identifier, text)

    def _note(
        self,
        function: Function,
        message: QueuedMessage,
        outcome: Outcome,
        batch: _Batch | None = None,
        done: Execution | None = None,
        started: str = "",
        **rest: Any,
    ) -> None:
        times: dict[str, Any] = {}
        if done is not None:
            times = {
                "milliseconds": round(done.seconds * 1000, 1),
                "cold_start_milliseconds": round(done.start_seconds * 1000, 1),
            }
        self._journal.add(
            Delivery(
                function.name,
                outcome,
                _origin(message),
                attempt=message.received if batch else 0,
                request_id=batch.request_id if batch else "",
                accepted=message.visible_since,
                started=started,
                message_id=message.message_id,
                **times,
                **rest,
            )
        )


def _limit(source: EventSource, function: Function) -> int:
    """Return how many batches of a mapping may run at once.

    A batch of a FIFO queue runs alone here; on AWS, one per message group.
    """
    if source.queue_arn.endswith(".fifo"):
        return 1
    reserved = source.concurrency if function.reserved is None else function.reserved
    return max(1, min(source.concurrency, reserved))


def _failed_items(
    source: EventSource, messages: Sequence[QueuedMessage], response: Any
) -> set[str]:
    """Return the ids of the messages that a function's response reports as failed.

    All of them if the response is not as AWS documents it. Without ReportBatchItemFailures every
    response is a success.
    """
    ids = {each.message_id for each in messages}
    if not source.reports_failures or response in (None, "", {}):
        return set()
    if isinstance(response, str):
        try:
            response = json.loads(response)
        except ValueError:
            return ids
    if not isinstance(response, dict):
        return ids
    items = response.get("batchItemFailures")
    if items is None:
        return set()
    if not isinstance(items, list):
        return ids
    failed = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in items]
    return {each for each in failed if each} if all(each in ids for each in failed) else ids


def _origin(message: QueuedMessage) -> Origin:
    """Return the origin of the event in a message; only its rule if it is none."""
    try:
        return Origin.of(json.loads(message.body), rule=message.rule)
    except (ValueError, RecursionError):
        return Origin(rule=message.rule)


def utc(epoch_seconds: float) -> str:
    """Return a time in UTC, ISO 8601, with milliseconds."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds")
