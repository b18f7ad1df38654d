"""Lambda's asynchronous queue: retries, back-off, event age, and destinations.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation".
"""

import contextvars
import logging
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from local_cloud.delivery import failure_records
from local_cloud.delivery.clock import Clock, backoff, handler_error_wait
from local_cloud.delivery.delivery_log import (
    INTERNAL_ERROR,
    Delivery,
    Journal,
    Origin,
    Outcome,
    moment,
)
from local_cloud.delivery.emulator_port import (
    Cloud,
    DeliveryError,
    Ending,
    Execution,
    Function,
    name_in,
)
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.put_events import compact
from local_cloud.delivery.work_queue import WorkQueue

_log = logging.getLogger("local_cloud.lambda")

_REFUSED = {Ending.THROTTLED: "throttled", Ending.SERVICE_ERROR: "service error"}


@dataclass
class Invocation:
    """One event for one function.

    Attributes:
        function_arn: The function or alias; looked up for each attempt, because code may change.
        event: The payload.
        origin: Identifies the event in the delivery log.
        request_id: The same for all attempts.
        age: AWS seconds since Lambda accepted it. Without the wait for one of this machine's few
            executions, because AWS would have a free one.
        attempts: The number of executions.
        refusals: The number of times in a row that it could not run.
        accepted: When Lambda accepted it: UTC, ISO 8601.
        delay: The seconds of an injected delay before the first attempt.
        last: The latest attempt.
        context: The caller's context variables (account, region, depth of the call chain).
    """

    function_arn: str
    event: Any
    origin: Origin
    request_id: str
    age: float = 0.0
    attempts: int = 0
    refusals: int = 0
    accepted: str = field(default_factory=moment)
    delay: float = 0.0
    last: Execution | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class AsyncInvoker:
    """Accepts events for functions; each ends delivered, in a queue, or dropped."""

    def __init__(
        self, cloud: Cloud, queue: WorkQueue, clock: Clock, journal: Journal, switch: Switch
    ) -> None:
        self._cloud = cloud
        self._queue = queue
        self._clock = clock
        self._journal = journal
        self._switch = switch

    def submit(self, function: Function, event: Any, origin: Origin | None = None) -> str:
        """Accept an event for a function; the queue's threads process it.

        Returns:
            The request id of its invocation; an injected duplicate has its own.
        """
        origin = origin or Origin.of(event)
        decision = self._switch.on_delivery(origin.identity, function.name, origin.detail_type)
        first = Invocation(function.arn, event, origin, str(uuid4()))
        first.delay, *other_delays = decision.waits or (0.0,)
        copies = [replace(first, request_id=str(uuid4()), delay=delay) for delay in other_delays]
        for kind in decision.kinds:
            next_try = moment(first.delay) if first.delay else ""
            self._note(
                function.name, Outcome(kind), first, reason="injected fault", next_try=next_try
            )
        if not decision.waits:
            _log.warning("%s: fault injection dropped %s", function.name, _named(origin))
        self._cloud.count("AWS/Lambda", "AsyncEventsReceived", {"FunctionName": function.name})
        for invocation in [first, *copies] if decision.waits else []:
            self._queue.put(
                lambda it=invocation: self._in_context(it),  # type: ignore[misc]
                invocation.delay,
            )
        return first.request_id

    def _in_context(self, invocation: Invocation) -> None:
        """Attempt it in a copy of the context: the next attempt may start before this one ends."""
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
        of_function, milliseconds = {"FunctionName": function.name}, invocation.age * 1000
        self._cloud.measure(
            "AWS/Lambda", "AsyncEventAge", of_function, milliseconds, "Milliseconds"
        )
        started = moment()
        done = self._cloud.execute(function, invocation.event, invocation.request_id)
        invocation.age += done.seconds
        if done.ending in _REFUSED:
            invocation.refusals += 1
            # The record has the function's error, not the throttle after it.
            if invocation.last is None or invocation.last.ending is not Ending.RAISED:
                invocation.last = done
            outcome = Outcome.THROTTLED, _REFUSED[done.ending]
            self._retry(function, invocation, done, started, outcome, backoff(invocation.refusals))
            return
        invocation.last = done
        invocation.attempts += 1
        invocation.refusals = 0
        if done.ending is Ending.RETURNED:
            self._record(function, invocation, done, started, Outcome.DELIVERED)
            self._report_success(function, invocation)
            return
        outcome = Outcome.FAILED, done.error_type
        again = invocation.attempts <= function.retries
        wait = handler_error_wait(invocation.attempts) if again else None
        self._retry(function, invocation, done, started, outcome, wait)

    def _retry(
        self,
        function: Function,
        invocation: Invocation,
        done: Execution,
        started: str,
        outcome: tuple[Outcome, str],
        wait: float | None,
    ) -> None:
        """Record an attempt that did not succeed, and retry it after `wait` AWS seconds.

        Give up now if there is no wait, or if the event will be too old then: AWS does not wait for
        the end of the age (LocalStack, recorded: test_maxeventage).
        """
        if wait is None:
            condition = failure_records.RETRIES_EXHAUSTED
        elif invocation.age + wait >= function.event_age:
            condition = failure_records.EVENT_AGE_EXCEEDED
        else:
            seconds = self._clock.real(wait)
            self._record(function, invocation, done, started, *outcome, next_try=moment(seconds))
            invocation.age += wait
            self._queue.put(lambda: self._in_context(invocation), seconds)
            return
        self._record(function, invocation, done, started, *outcome)
        self._give_up(function, invocation, condition)

    def _report_success(self, function: Function, invocation: Invocation) -> None:
        """Send the record of a successful invocation to the on-success destination."""
        if not function.on_success:
            return
        record = self._record_of(function, invocation, failure_records.SUCCESS)
        try:
            self._deliver(function, function.on_success, record)
        except DeliveryError as error:
            self._not_sent(function, invocation, "DestinationDeliveryFailures", error)

    def _give_up(self, function: Function, invocation: Invocation, condition: str) -> None:
        """Send a failed event to its destination and its dead-letter queue."""
        record = self._record_of(function, invocation, condition)
        attributes = failure_records.dead_letter_attributes(
            invocation.request_id, invocation.last, condition
        )
        why = self._why(condition, invocation)
        kept = False
        try:
            if target := function.on_failure:
                self._deliver(function, target, record)
                self._note_kept(function, invocation, why, target)
                kept = True
        except DeliveryError as error:
            self._not_sent(function, invocation, "DestinationDeliveryFailures", error)
        try:
            if target := function.dead_letter:
                event = compact(invocation.event)
                self._cloud.send_as_function(function, target, event, attributes)
                self._note_kept(function, invocation, why, target)
                kept = True
        except DeliveryError as error:
            self._not_sent(function, invocation, "DeadLetterErrors", error)
        # Lambda counts it as dropped even if its record is in a queue.
        self._cloud.count("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": function.name})
        if not kept:
            self._drop(function.name, invocation, why)

    @staticmethod
    def _record_of(function: Function, invocation: Invocation, condition: str) -> dict[str, Any]:
        return failure_records.destination_record(
            function,
            invocation.request_id,
            invocation.event,
            condition=condition,
            invocations=invocation.attempts,
            last=invocation.last,
        )

    def _deliver(self, function: Function, target_arn: str, record: dict[str, Any]) -> None:
        """Deliver a record to a destination.

        Raises:
            DeliveryError: The destination is missing, or the function's role may not use it.
        """
        if ":events:" in target_arn:
            entry = failure_records.destination_event(record, target_arn)
            self._cloud.publish_as_function(function, entry)
        elif ":lambda:" in target_arn:
            target = self._cloud.function(target_arn)
            if target is None or not self._cloud.may_invoke_as_function(function, target_arn):
                msg = f"{target_arn} is missing, or {function.name}'s role may not invoke it"
                raise DeliveryError(msg)
            self.submit(target, record)
        else:
            self._cloud.send_as_function(function, target_arn, compact(record), {})

    def _note_kept(
        self, function: Function, invocation: Invocation, why: str, target_arn: str
    ) -> None:
        _log.warning("%s: %s dead-lettered (%s)", function.name, _named(invocation.origin), why)
        self._note(
            function.name,
            Outcome.DEAD_LETTERED,
            invocation,
            attempt=invocation.attempts,
            reason=why,
            queue=target_arn,
        )

    def _not_sent(
        self, function: Function, invocation: Invocation, metric: str, error: DeliveryError
    ) -> None:
        self._cloud.count("AWS/Lambda", metric, {"FunctionName": function.name})
        event = _named(invocation.origin)
        _log.error("%s: the record of %s could not be delivered: %s", function.name, event, error)

    def _drop(self, name: str, invocation: Invocation, why: str) -> None:
        _log.error("%s: %s dropped (%s)", name, _named(invocation.origin), why)
        self._note(name, Outcome.DROPPED, invocation, attempt=invocation.attempts, reason=why)

    @staticmethod
    def _why(condition: str, invocation: Invocation) -> str:
        error_type = invocation.last.error_type if invocation.last else ""
        return f"{condition}: {error_type}" if error_type else condition

    def _record(
        self,
        function: Function,
        invocation: Invocation,
        done: Execution,
        started: str,
        outcome: Outcome,
        reason: str = "",
        **rest: Any,
    ) -> None:
        self._note(
            function.name,
            outcome,
            invocation,
            attempt=invocation.attempts + (outcome is Outcome.THROTTLED),
            reason=reason,
            milliseconds=round(done.seconds * 1000, 1),
            started=started,
            cold_start_milliseconds=round(done.start_seconds * 1000, 1),
            **rest,
        )

    def _note(self, name: str, outcome: Outcome, invocation: Invocation, **rest: Any) -> None:
        self._journal.add(
            Delivery(
                name,
                outcome,
                invocation.origin,
                request_id=invocation.request_id,
                accepted=invocation.accepted,
                delay_milliseconds=round(invocation.delay * 1000, 1),
                **rest,
            )
        )


def _named(origin: Origin) -> str:
    """Return an event's type, order and id for a log line, never its detail."""
    order = f" of {origin.correlation_id}" if origin.correlation_id else ""
    return f"event {origin.detail_type or '(direct)'}{order} {origin.event_id}".rstrip()
