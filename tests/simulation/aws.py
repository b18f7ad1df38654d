"""What AWS does: the bus and its rules, Lambda's queue, dead-letter queues; and the gateway.

Each part reports what happens to an `Observer`: the invariants.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError, ReadTimeoutError
from payment_service.gateway import (
    ChargeRequest,
    ChargeResult,
    GatewayUnavailableError,
    SimulatedGateway,
)
from recovery.redrive.consumers import Failure
from recovery.redrive.dead_letter import FAILED, UNDELIVERED, DeadLetter, read
from recovery.redrive.queues import (
    EXTENDED_VISIBILITY_SECONDS,
    VISIBILITY_TIMEOUT_SECONDS,
    Waiting,
)

from orderflow.errors import AwsRequestError
from tests.simulation.dynamodb import Dynamodb, Item, cancelled
from tests.simulation.faults import Fault
from tests.simulation.world import BEGIN, Ending, Process, World
from workshop import event_patterns
from workshop.paths import in_stages
from workshop.stages import flow

Event = dict[str, Any]

RETRY_SECONDS = (60.0, 120.0)
"""Lambda's waits before the second and the third attempt (FACTS: Lambda Developer Guide)."""
RETENTION = timedelta(days=14)
OLDEST_SECONDS = 6 * 3600.0
"""The age at which Lambda gives an event up that it could not start: AWS's maximum."""
LONGEST_DELAY_SECONDS = 30 * 3600.0
ACCOUNT = "us-east-1:000000000000"
CONSUMERS = tuple(key for key, function in flow().functions.items() if function.consumes)


class Observer(Protocol):
    """What the parts of AWS report; any of it may raise `Violation`."""

    def written(self, table: str, old: Item, new: Item) -> None:
        """An item was written."""

    def published(self, entry: Mapping[str, Any], *, by: str) -> None:
        """An event is on the bus; `by` is the function's key, empty for somebody else."""

    def charged(self, request: ChargeRequest) -> None:
        """The gateway took money."""

    def refunded(self, reference: str) -> None:
        """The gateway gave money back."""

    def ended(self, process: Process, event: Event, ending: Ending) -> None:
        """A consumer's run is over."""

    def redriven(self, message: "Message", consumer: str, ending: Ending) -> None:
        """A redrive's invocation of a consumer is over."""

    def deleted(self, message: "Message") -> None:
        """A message was deleted."""


# DynamoDB and PutEvents, as boto3's clients


class FaultyDynamodb:
    """A boto3 `dynamodb` client of one process, with the faults of the world."""

    def __init__(self, world: World, tables: Dynamodb) -> None:
        self._world = world
        self._tables = tables

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        do = getattr(self._tables, operation)
        kind = {"transact_write_items": "transaction", "get_item": "read", "query": "query"}.get(
            operation, "write"
        )

        def call(**parameters: Any) -> Any:
            def refuse(fault: Fault) -> Any:
                if fault is Fault.CONFLICT:
                    count = len(parameters["TransactItems"])
                    raise cancelled([{"Code": "TransactionConflict"}] * count)
                if fault is Fault.STALE:
                    return do(**parameters, stale=True)
                raise _refusal(fault, "ThrottlingException")

            return self._world.call(kind, operation, lambda: do(**parameters), refuse=refuse)

        return call


class Events:
    """A boto3 `events` client."""

    def __init__(self, world: World, bus: "Bus") -> None:
        self._world = world
        self._bus = bus

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Put one event on the bus."""
        [entry] = Entries
        process = self._world.process()
        assert process is not None

        def put() -> dict[str, Any]:
            self._bus.put(entry, by=process.name)
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

        def refuse(fault: Fault) -> dict[str, Any]:
            if fault is Fault.PARTIAL:
                return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
            raise _refusal(fault, "InternalException")

        return self._world.call("publish", "put_events", put, refuse=refuse)


def _refusal(fault: Fault, code: str) -> Exception:
    if fault is Fault.REPLY_LOST:
        return ReadTimeoutError(endpoint_url="")
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


# The bus and Lambda's queue


@cache
def _patterns() -> dict[str, dict[str, Any]]:
    """Return the event pattern of each consumer: the files that Terraform reads."""
    paths = {path.stem: path for path in in_stages("terraform/patterns/*.json")}
    return {key: json.loads(paths[key].read_text("utf-8")) for key in CONSUMERS}


Path = tuple[str, ...]


class Rule:
    """A rule's event pattern.

    Only the pattern's own fields decide, so EventBridge's answer is asked for once for each
    combination of their values.
    """

    _answers: ClassVar[dict[tuple[str, ...], bool]] = {}
    """Pattern, and the event's values at its fields → EventBridge's answer."""

    def __init__(self, pattern: Mapping[str, Any]) -> None:
        self._pattern = dict(pattern)
        self._text = json.dumps(pattern)
        self._paths = list(_paths(pattern))

    def matches(self, event: Event) -> bool:
        """Return whether EventBridge's rule matches."""
        key = (self._text, *(_at(event, path) for path in self._paths))
        if key not in self._answers:
            self._answers[key] = event_patterns.matches(self._pattern, event)
        return self._answers[key]


def _paths(pattern: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the path of each field of a pattern."""
    for name, inner in pattern.items():
        if isinstance(inner, dict):
            yield from ((name, *path) for path in _paths(inner))
        else:
            yield (name,)


def _at(event: Any, path: Path) -> str:
    """Return what an event has at a path, as text that differs between types."""
    for name in path:
        event = event.get(name) if isinstance(event, dict) else None
    return repr(event)


@dataclass
class Attempt:
    """One attempt of a consumer at an event; times in seconds since the begin.

    Attributes:
        request: Names the invocation; all its attempts have the same.
        number: Which attempt it is, from 1.
        accepted: When Lambda accepted the event.
    """

    consumer: str
    event: Event
    request: str
    number: int
    accepted: float
    started: float
    process: Process


@dataclass(frozen=True)
class Kept:
    """An event that was not delivered any more: dead-lettered, or lost (`dropped`)."""

    consumer: str
    event: Event
    request: str
    number: int
    at: float
    reason: str
    dropped: bool


@dataclass
class Bus:
    """The event bus, its rules, and the consumers behind Lambda's queue.

    Attributes:
        functions: Consumer key → what runs its function with an event.
        patterns: Consumer key → its rule's pattern.
        archive: Every event that was put on the bus.
        attempts: Every attempt of a consumer.
        kept: Every event that was not delivered any more.
    """

    world: World
    queues: "Queues"
    observer: Observer
    functions: Mapping[str, Callable[[Event], Any]]
    patterns: Mapping[str, Mapping[str, Any]] = field(default_factory=_patterns)
    archive: list[Event] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    _details: dict[str, str] = field(default_factory=dict)
    _deliveries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rules = {consumer: Rule(pattern) for consumer, pattern in self.patterns.items()}

    def put(self, entry: Mapping[str, Any], *, by: str = "") -> None:
        """Put an event on the bus; every rule that matches delivers it."""
        self.observer.published(entry, by=by)
        event = {
            "version": "0",
            "id": f"00000000-0000-4000-8000-{len(self.archive):012d}",
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": "000000000000",
            "time": self.world.timestamp()[:19] + "Z",
            "region": "us-east-1",
            "resources": [],
            "detail": json.loads(entry["Detail"]),
        }
        self.archive.append(event)
        self._details[event["id"]] = entry["Detail"]
        self.deliver(event)

    def deliver(self, event: Event) -> None:
        """Deliver an event to every consumer whose rule matches it."""
        identity = event["detail"].get("metadata", {}).get("event_id", event["id"])
        self._deliveries[identity] += 1
        name = f"{identity}.{self._deliveries[identity]}"
        for consumer, rule in self._rules.items():
            if rule.matches(event):
                self._deliver(consumer, event, f"{name}>{consumer}")

    def _deliver(self, consumer: str, event: Event, key: str) -> None:
        fault = self.world.faults.at("delivery", key)
        choices = self.world.choices
        seconds = 0.01 if self.world.steady else choices.number(f"hop|{key}")
        copies = 1
        if fault is Fault.DROPPED:
            self._keep(consumer, event, key, 0, "lost by EventBridge", dropped=True)
            return
        if fault is Fault.UNDELIVERED:
            sent = self.queues.send_undelivered(consumer, event, key)
            self._keep(consumer, event, key, 0, "NO_PERMISSIONS", dropped=not sent)
            return
        if fault is Fault.TOO_OLD:
            self.world.after(
                OLDEST_SECONDS, lambda: self._fail(consumer, event, key, "EventAgeExceeded")
            )
            return
        if fault is Fault.DUPLICATED:
            copies = 2 + choices.below(4, f"copies|{key}")
        elif fault is Fault.DELAYED:
            seconds += LONGEST_DELAY_SECONDS * choices.number(f"delay|{key}")
        for number in range(copies):
            # Duplicates come close together, and sometimes much later.
            apart = choices.number(f"apart|{key}{number}")
            late = seconds + (0.0 if number == 0 else (apart * 0.2 if apart < 0.5 else apart * 600))
            self._attempt(consumer, event, f"{key}#{number}", 1, late)

    def _attempt(self, consumer: str, event: Event, key: str, number: int, late: float) -> None:
        accepted = self.world.seconds

        def begin() -> None:
            self.invoke(consumer, event, key, ended, number=number, accepted=accepted)

        def ended(ending: Ending) -> None:
            if ending.returned:
                return
            if number <= len(RETRY_SECONDS):
                self._attempt(consumer, event, key, number + 1, RETRY_SECONDS[number - 1])
                return
            self._fail(consumer, event, key, "RetriesExhausted", number, ending)

        self.world.after(late, begin)

    def _fail(
        self,
        consumer: str,
        event: Event,
        key: str,
        condition: str,
        attempts: int = 0,
        ending: Ending | None = None,
    ) -> None:
        """Send an event that a function could not process to its on-failure destination."""
        record = _record(consumer, event, condition, attempts, ending)
        sent = self.queues.send_failed(consumer, record, key)
        self._keep(consumer, event, key, attempts, condition, dropped=not sent)

    def _keep(
        self, consumer: str, event: Event, key: str, number: int, reason: str, *, dropped: bool
    ) -> None:
        self.kept.append(Kept(consumer, event, key, number, self.world.seconds, reason, dropped))

    def invoke(
        self,
        consumer: str,
        event: Event,
        key: str,
        ended: Callable[[Ending], None] = lambda _: None,
        *,
        number: int = 1,
        accepted: float | None = None,
    ) -> Process:
        """Run a consumer's function with a copy of the event."""
        function = self.functions[consumer]
        copied = {**event, "detail": json.loads(self._details[event["id"]])}

        def over(ending: Ending) -> None:
            self.observer.ended(process, event, ending)
            ended(ending)

        process = self.world.start(consumer, f"{key}/{number}", lambda: function(copied), over)
        now = self.world.seconds
        since = now if accepted is None else accepted
        self.attempts.append(Attempt(consumer, event, key, number, since, now, process))
        return process


def _record(
    consumer: str, event: Event, condition: str, attempts: int, ending: Ending | None
) -> dict[str, Any]:
    """Return Lambda's record of an event that a function could not process."""
    record: dict[str, Any] = {
        "version": "1.0",
        "requestContext": {
            "functionArn": f"{function_arn(consumer)}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
    }
    if ending is not None:
        record["responsePayload"] = error_of(ending)
    return record


def error_of(ending: Ending) -> dict[str, str]:
    """Return what Lambda says about a run that failed."""
    if ending.killed:
        return {"errorType": "Runtime.ExitError", "errorMessage": "the process ended"}
    return {"errorType": type(ending.error).__name__, "errorMessage": str(ending.error)}


def function_arn(consumer: str) -> str:
    """Return a function's ARN."""
    return f"arn:aws:lambda:{ACCOUNT}:function:orderflow-{consumer}"


# Dead-letter queues


@dataclass
class Message:
    """A message of a dead-letter queue."""

    id: str
    consumer: str
    kind: str
    body: str
    attributes: dict[str, Any]
    sent: float
    event: Event
    visible: float = 0.0
    receipt: str = ""

    @property
    def order_id(self) -> str:
        """The id of the event's order; empty if it has none."""
        return str(self.event["detail"].get("metadata", {}).get("correlation_id", ""))


@dataclass
class Queues:
    """The dead-letter queues of all consumers."""

    world: World
    observer: Observer
    messages: list[Message] = field(default_factory=list)
    _ids: itertools.count = field(default_factory=itertools.count)

    def send_failed(self, consumer: str, record: dict[str, Any], key: str) -> bool:
        """Send Lambda's record of a failed event to its queue; return whether it is there."""
        return self._send(consumer, FAILED, record, {}, record["requestPayload"], key)

    def send_undelivered(self, consumer: str, event: Event, key: str) -> bool:
        """Send an event that was not delivered to its queue; return whether it is there."""
        texts = {
            "RULE_ARN": f"arn:aws:events:{ACCOUNT}:rule/orderflow-bus/orderflow-{consumer}",
            "TARGET_ARN": function_arn(consumer),
            "ERROR_CODE": "NO_PERMISSIONS",
        }
        attributes = {n: {"DataType": "String", "StringValue": t} for n, t in texts.items()}
        return self._send(consumer, UNDELIVERED, event, attributes, event, key)

    def _send(
        self,
        consumer: str,
        kind: str,
        body: Any,
        attributes: dict[str, Any],
        event: Event,
        key: str,
    ) -> bool:
        if self.world.faults.at("dead letter", f"{key} {kind}") is Fault.DROPPED:
            return False
        number = next(self._ids)
        self.messages.append(
            Message(
                id=f"{number:08d}-0000-4000-8000-000000000000",
                consumer=consumer,
                kind=kind,
                body=json.dumps(body),
                attributes=attributes,
                sent=self.world.seconds,
                event=event,
            )
        )
        return True

    def retained(self) -> list[Message]:
        """Return the messages that are there; SQS deletes those of more than 14 days."""
        oldest = self.world.seconds - RETENTION.total_seconds()
        self.messages = [each for each in self.messages if each.sent >= oldest]
        return self.messages


class QueuesPort:
    """The port `DeadLetterQueues` of one redrive, with the faults of the world."""

    def __init__(self, world: World, queues: Queues, name: str) -> None:
        self._world = world
        self._queues = queues
        self._receipts = (f"{name}-{number}" for number in itertools.count())

    def receive(self) -> list[DeadLetter]:
        """See `DeadLetterQueues`."""

        def take() -> list[DeadLetter]:
            now = self._world.seconds
            found = [each for each in self._queues.retained() if each.visible <= now]
            for message in found:
                message.receipt = next(self._receipts)
                message.visible = now + VISIBILITY_TIMEOUT_SECONDS
            return [_dead_letter(message) for message in found]

        return self._call("receive", take, raises=True)

    def release(self, dead_letters: Iterable[DeadLetter]) -> None:
        """See `DeadLetterQueues`."""
        receipts = {each.receipt_handle for each in dead_letters}

        def show() -> None:
            for message in self._ours(receipts):
                message.visible = self._world.seconds

        if receipts:
            self._call("release", show, raises=False)

    def extend_visibility(self, dead_letter: DeadLetter) -> bool:
        """See `DeadLetterQueues`."""

        def extend() -> bool:
            for message in self._ours({dead_letter.receipt_handle}):
                message.visible = self._world.seconds + EXTENDED_VISIBILITY_SECONDS
                return True
            return False

        return self._call("extend", extend, raises=True)

    def delete(self, dead_letter: DeadLetter) -> None:
        """See `DeadLetterQueues`."""

        def remove() -> None:
            for message in self._ours({dead_letter.receipt_handle}):
                self._queues.messages.remove(message)
                self._queues.observer.deleted(message)

        self._call("delete", remove, raises=True)

    def waiting(self) -> dict[tuple[str, str], Waiting]:
        """See `DeadLetterQueues`; a redrive does not ask."""
        raise NotImplementedError

    def _call(self, operation: str, effect: Callable[[], Any], *, raises: bool) -> Any:
        def refuse(fault: Fault) -> Any:
            if raises:
                raise AwsRequestError(f"{operation}: {fault}")

        return self._world.call("queue", operation, effect, refuse=refuse)

    def _ours(self, receipts: set[str]) -> list[Message]:
        now = self._world.seconds
        return [
            each
            for each in self._queues.retained()
            if each.receipt in receipts and each.visible > now
        ]


def _dead_letter(message: Message) -> DeadLetter:
    sent = BEGIN + timedelta(seconds=message.sent)
    content = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MessageAttributes": message.attributes,
        "Attributes": {"SentTimestamp": str(int(sent.timestamp() * 1000))},
    }
    return read(
        content,
        consumer=message.consumer,
        queue=message.kind,
        function_arn=function_arn(message.consumer),
    )


class ConsumersPort:
    """The port `Consumers` of one redrive."""

    def __init__(self, world: World, bus: Bus, queues: Queues, name: str) -> None:
        self._world = world
        self._bus = bus
        self._queues = queues
        self._name = name
        self._numbers = itertools.count()

    def invoke(self, consumer: str, event: Event) -> Failure | None:
        """See `Consumers`."""

        def run() -> Failure | None:
            key = f"{self._name}:{event['id']}>{consumer}!{next(self._numbers)}"
            held = self._held(consumer, event)
            process = self._bus.invoke(
                consumer,
                event,
                key,
                lambda ending: self._queues.observer.redriven(held, consumer, ending),
            )
            ending = self._world.wait(process)
            if ending.returned:
                return None
            error = error_of(ending)
            return Failure(error["errorType"], error["errorMessage"])

        def refuse(fault: Fault) -> Failure:
            if fault is Fault.REPLY_LOST:
                return Failure("ReadTimeoutError", "no answer in time")
            return Failure("TooManyRequestsException", "the function is busy")

        return self._world.call("invoke", "invoke", run, refuse=refuse, tries=1)

    def _held(self, consumer: str, event: Event) -> Message:
        """Return the message of the event that a redrive holds, of this consumer if it has one."""
        now = self._world.seconds
        held = [
            each
            for each in self._queues.messages
            if each.event["id"] == event["id"] and each.visible > now
        ]
        return next((each for each in held if each.consumer == consumer), held[0])


# The payment gateway


class Gateway:
    """The simulated gateway with a memory: the same key never takes money twice."""

    def __init__(self, world: World, observer: Observer) -> None:
        self._world = world
        self._observer = observer
        self.available = True
        self._simulated = SimulatedGateway(sleep=lambda _: None)
        self._charges: dict[str, ChargeResult] = {}
        self._refunds: dict[str, str] = {}

    def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway`."""

        def take() -> ChargeResult:
            self._answer()
            if request.idempotency_key not in self._charges:
                result = self._simulated.charge(request)
                self._charges[request.idempotency_key] = result
                if result.charge_id:
                    self._observer.charged(request)
            return self._charges[request.idempotency_key]

        return self._call("charge", take)

    def refund(self, reference: str, *, idempotency_key: str) -> str:
        """See `PaymentGateway`."""

        def give_back() -> str:
            self._answer()
            if idempotency_key not in self._refunds:
                charge_id = self._simulated.refund(reference, idempotency_key=idempotency_key)
                self._refunds[idempotency_key] = charge_id
                self._observer.refunded(reference)
            return self._refunds[idempotency_key]

        return self._call("refund", give_back)

    def _call(self, operation: str, effect: Callable[[], Any]) -> Any:
        def refuse(fault: Fault) -> Any:
            raise GatewayUnavailableError(f"the gateway did not answer: {fault}")

        return self._world.call("gateway", operation, effect, refuse=refuse, tries=1)

    def _answer(self) -> None:
        if not self.available:
            raise GatewayUnavailableError("the gateway does not answer")
