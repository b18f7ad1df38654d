"""A cloud that does what a test says, and the delivery code around it."""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local_cloud.delivery.emulator_port import (
    DeliveryError,
    Ending,
    EventSource,
    Execution,
    Function,
    QueuedMessage,
)
from local_cloud.delivery.wiring import Parts
from local_cloud.settings import Settings

ARN = "arn:aws:lambda:us-east-1:000000000000:function:charge"
RULE_ARN = "arn:aws:events:us-east-1:000000000000:rule/bus/paid"

RETURNED = Execution(Ending.RETURNED, "fine")
RAISED = Execution(Ending.RAISED, {"errorType": "ValueError", "errorMessage": "wrong"})
THROTTLED = Execution(
    Ending.THROTTLED, {"errorType": "TooManyRequestsException", "errorMessage": "Rate Exceeded"}
)


@dataclass
class FakeCloud:
    """Implements `Cloud`; executions end, or fail, as `endings` says, then they return."""

    functions: dict[str, Function] = field(default_factory=dict)
    endings: Iterable[Execution | Exception] = ()
    events_may_invoke_: bool = True
    deny: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    measured: list[tuple[str, float]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    sources: list[EventSource] = field(default_factory=list)
    queued: list[QueuedMessage] = field(default_factory=list)
    oldest: float = 0.0
    batches: list[list[str]] = field(default_factory=list)
    hidden: list[tuple[list[str], float]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    visibility: float = 150.0

    def __post_init__(self) -> None:
        self._endings = iter(self.endings)

    def function(self, arn: str) -> Function | None:
        return self.functions.get(arn)

    def execute(self, function: Function, event: Any, request_id: str) -> Execution:
        self.request_ids.append(request_id)
        if isinstance(event, dict) and "Records" in event:
            self.batches.append([each["messageId"] for each in event["Records"]])
            ending = next(self._endings, Execution(Ending.RETURNED))
        else:
            ending = next(self._endings, RETURNED)
        if isinstance(ending, Exception):
            raise ending
        return ending

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        return self.events_may_invoke_

    def send_as_function(
        self, function: Function, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        self._send(queue_arn, body, attributes)

    def publish_as_function(self, function: Function, entry: dict[str, Any]) -> None:
        self._send(entry["EventBusName"], json.dumps(entry), {})

    def may_invoke_as_function(self, function: Function, target_arn: str) -> bool:
        return target_arn not in self.deny

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        self._send(queue_arn, body, attributes)

    def deliver_as_events(
        self, rule_arn: str, target_arn: str, content: str, *, role_arn: str, group: str
    ) -> None:
        if target_arn in self.missing:
            raise DeliveryError("gone", missing=True)
        self._send(target_arn, content, {})

    def event_sources(self) -> Sequence[EventSource]:
        return self.sources

    def visibility_timeout(self, queue_arn: str) -> float:
        return self.visibility

    def visible(self, queue_arn: str) -> tuple[int, float]:
        return len(self.queued), self.oldest

    def buffered(self, source: EventSource) -> int:
        return len(self.queued) if source.function_arn in self.functions else 0

    def receive_as_function(
        self, function: Function, queue_arn: str, most: int
    ) -> list[QueuedMessage]:
        if queue_arn in self.deny:
            msg = f"{queue_arn} is closed"
            raise DeliveryError(msg)
        found, self.queued = self.queued[:most], self.queued[most:]
        return found

    def delete_as_function(
        self, function: Function, queue_arn: str, messages: Sequence[QueuedMessage]
    ) -> None:
        self.deleted += [each.message_id for each in messages]

    def hide(self, queue_arn: str, messages: Sequence[QueuedMessage], seconds: float) -> None:
        """Hide messages: the next poll receives them again."""
        if messages:
            self.hidden.append(([each.message_id for each in messages], seconds))
        self.queued += [replace(each, received=each.received + 1) for each in messages]

    def limit_invisibility(self, queue_arn: str, seconds: float) -> None:
        self.hidden.append(([], seconds))

    def postpone(self, queue_arn: str, message: QueuedMessage, seconds: float) -> None:
        self.hidden.append(([message.message_id], seconds))
        self.queued.append(message)

    def repeat_message(self, queue_arn: str, message: QueuedMessage, seconds: float) -> str:
        record = {**message.record, "messageId": f"{message.message_id}-again"}
        copy = replace(message, message_id=record["messageId"], received=1, record=record)
        self.queued.append(copy)
        return copy.message_id

    def wake_pollers(self) -> None:
        pass

    def measure(
        self, namespace: str, metric: str, dimensions: dict[str, str], value: float, unit: str
    ) -> None:
        self.measured.append((metric, value))

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        self.counted.append(metric)

    def _send(self, queue_arn: str, body: str, attributes: dict[str, Any]) -> None:
        if queue_arn in self.deny:
            msg = f"{queue_arn} is closed"
            raise DeliveryError(msg)
        self.sent.append((queue_arn, body, attributes))


class InstantQueue:
    """A work queue without threads: `run` does everything, and notes for how long it waited."""

    closed = False

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._work: list[Callable[[], None]] = []

    def put(self, work: Callable[[], None], wait: float = 0.0) -> None:
        self.waits.append(wait)
        self._work.append(work)

    def run(self) -> None:
        while self._work:
            self._work.pop(0)()


class OvertakingQueue(InstantQueue):
    """Work is done in another thread, and finished, before whoever put it goes on."""

    def put(self, work: Callable[[], None], wait: float = 0.0) -> None:
        self.waits.append(wait)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


def parts_around(cloud: FakeCloud, queue: InstantQueue | None = None) -> tuple[Parts, InstantQueue]:
    """The delivery code with AWS's own minutes, on a queue that does not wait."""
    settings = Settings(directory="", port=0, boot_id="", seconds_per_minute=60)
    queue = queue or InstantQueue()
    return Parts(settings, cloud, queue), queue  # type: ignore[arg-type]
