"""Lambda's asynchronous queue: retries, back-off, event age, and where a failed event ends.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation".
"""

import contextvars
import json
import logging
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from local_cloud.delivery import failure_records
from local_cloud.delivery.clock import Clock, backoff, handler_error_wait
from local_cloud.delivery.delivery_log import INTERNAL_ERROR, Delivery, Journal, Origin, Outcome
from local_cloud.delivery.emulator_port import (
    Cloud,
    DeliveryError,
    Ending,
    Execution,
    Function,
    name_in,
)
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.work_queue import WorkQueue

_log = logging.getLogger("local_cloud.lambda")

_REFUSED = {Ending.THROTTLED: "throttled", Ending.SERVICE_ERROR: "service error"}


@dataclass
class Invocation:
    """One event on its way to one function.

    Attributes:
        function_arn: whom to invoke; looked up anew for each attempt, as code may change between.
        event: the payload.
        origin: which event it is, for the journal.
        request_id: the same for all attempts.
        age: for how long it has been with Lambda, in AWS seconds. Time spent waiting for one of
            this machine's few executions does not count: AWS would have had one.
        attempts: how often the function ran.
        refusals: how often in a row it could not run.
        last: the latest attempt.
        context: the caller's context variables (account, region, depth of the call chain).
    """

    function_arn: str
    event: Any
    origin: Origin
    request_id: str = field(default_factory=lambda: str(uuid4()))
    age: float = 0.0
    attempts: int = 0
    refusals: int = 0
    last: Execution | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class AsyncInvoker:
    """Takes events for functions and sees each to an end: delivered, in a queue, or dropped."""

    def __init__(
        self, cloud: Cloud, queue: WorkQueue, clock: Clock, journal: Journal, switch: Switch
    ) -> None:
        self._cloud = cloud
        self._queue = queue
        self._clock = clock
        self._journal = journal
        self._switch = switch

    def submit(self, function: Function, event: Any, origin: Origin | None = None) -> None:
        """Accept an event for a function; what follows happens in the queue's threads."""
        origin = origin or Origin.of(event)
        decision = self._switch.on_delivery(origin.identity, function.name, origin.detail_type)
        for kind in decision.kinds:
            self._note(function.name, Outcome(kind), origin, reason="trouble")
        if not decision.waits:
            _log.warning("%s: %s lost on purpose", function.name, _named(origin))
        for wait in decision.waits:
            invocation = Invocation(function.arn, event, origin)
            self._queue.put(lambda it=invocation: self._in_context(it), wait)  # type: ignore[misc]

    def _in_context(self, invocation: Invocation) -> None:
        """Attempt it, in a copy of the context: the next attempt may begin before this one ends."""
        try:
            invocation.context.copy().run(self._attempt, invocation)
        except Exception:  # noqa: BLE001 - whatever it is, the event must not vanish in silence
            name = name_in(invocation.function_arn)
            _log.exception("%s: the local cloud failed", name)
            self._drop(name, invocation, INTERNAL_ERROR)

    def _attempt(self, invocation: Invocation) -> None:
        function = self._cloud.function(invocation.function_arn)
        if function is None:
            name = name_in(invocation.function_arn)
            self._drop(name, invocation, "the function is gone")
        elif function.reserved == 0:
            self._give_up(function, invocation, failure_records.ZERO_RESERVED_CONCURRENCY)
        elif invocation.age >= function.event_age:
            self._give_up(function, invocation, failure_records.EVENT_AGE_EXCEEDED)
        else:
            self._execute(function, invocation)

    def _execute(self, function: Function, invocation: Invocation) -> None:
        done = self._cloud.execute(function, invocation.event, invocation.request_id)
        invocation.age += done.seconds
        if done.ending in _REFUSED:
            invocation.refusals += 1
            # An error of the function says more than that it was throttled afterwards.
            if invocation.last is None or invocation.last.ending is not Ending.RAISED:
                invocation.last = done
            self._record(function, invocation, Outcome.THROTTLED, done, _REFUSED[done.ending])
            self._again(function, invocation, backoff(invocation.refusals))
            return
        invocation.last = done
        invocation.attempts += 1
        invocation.refusals = 0
        if done.ending is Ending.RETURNED:
            self._record(function, invocation, Outcome.DELIVERED, done)
            return
        self._record(function, invocation, Outcome.FAILED, done, done.error_type)
        if invocation.attempts <= function.retries:
            self._again(function, invocation, handler_error_wait(invocation.attempts))
        else:
            self._give_up(function, invocation, failure_records.RETRIES_EXHAUSTED)

    def _again(self, function: Function, invocation: Invocation, wait: float) -> None:
        """Try again after so many AWS seconds, or when the event's age is over."""
        wait = min(wait, max(function.event_age - invocation.age, 0.0))
        invocation.age += wait
        self._queue.put(lambda: self._in_context(invocation), self._clock.real(wait))

    def _give_up(self, function: Function, invocation: Invocation, condition: str) -> None:
        """Send the event to where its function wants failed events."""
        record = failure_records.on_failure_record(
            function,
            invocation.request_id,
            invocation.event,
            condition=condition,
            invocations=invocation.attempts,
            last=invocation.last,
        )
        attributes = failure_records.dead_letter_attributes(
            invocation.request_id, invocation.last, condition
        )
        kept = [
            self._send(function, invocation, function.on_failure, record, {}, condition),
            self._send(
                function, invocation, function.dead_letter, invocation.event, attributes, condition
            ),
        ]
        # Lambda counts it as dropped wherever it lies now.
        self._cloud.count("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": function.name})
        if not any(kept):
            self._drop(function.name, invocation, self._why(condition, invocation))

    def _send(
        self,
        function: Function,
        invocation: Invocation,
        queue_arn: str,
        content: Any,
        attributes: dict[str, Any],
        condition: str,
    ) -> bool:
        """Send to one queue; whether the event rests there now."""
        if not queue_arn:
            return False
        origin, why = invocation.origin, self._why(condition, invocation)
        try:
            self._cloud.send_as_function(function, queue_arn, json.dumps(content), attributes)
        except DeliveryError as error:
            metric = "DeadLetterErrors" if attributes else "DestinationDeliveryFailures"
            self._cloud.count("AWS/Lambda", metric, {"FunctionName": function.name})
            _log.error(
                "%s: the record of %s could not be delivered: %s",
                function.name,
                _named(origin),
                error,
            )
            return False
        _log.warning("%s: %s dead-lettered (%s)", function.name, _named(origin), why)
        self._note(
            function.name,
            Outcome.DEAD_LETTERED,
            origin,
            attempt=invocation.attempts,
            reason=why,
            queue=queue_arn,
        )
        return True

    def _drop(self, name: str, invocation: Invocation, why: str) -> None:
        _log.error("%s: %s dropped (%s)", name, _named(invocation.origin), why)
        self._note(
            name, Outcome.DROPPED, invocation.origin, attempt=invocation.attempts, reason=why
        )

    @staticmethod
    def _why(condition: str, invocation: Invocation) -> str:
        error_type = invocation.last.error_type if invocation.last else ""
        return f"{condition}: {error_type}" if error_type else condition

    def _record(
        self,
        function: Function,
        invocation: Invocation,
        outcome: Outcome,
        done: Execution,
        reason: str = "",
    ) -> None:
        self._note(
            function.name,
            outcome,
            invocation.origin,
            attempt=invocation.attempts + (outcome is Outcome.THROTTLED),
            reason=reason,
            milliseconds=round(done.seconds * 1000, 1),
        )

    def _note(self, name: str, outcome: Outcome, origin: Origin, **rest: Any) -> None:
        self._journal.add(Delivery(name, outcome, origin, **rest))


def _named(origin: Origin) -> str:
    """An event in a log line: its kind, its order and its id, never its detail."""
    order = f" of {origin.correlation_id}" if origin.correlation_id else ""
    return f"event {origin.detail_type or '(direct)'}{order} {origin.event_id}".rstrip()
