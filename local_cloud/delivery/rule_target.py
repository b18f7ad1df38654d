"""EventBridge's half of a delivery: hand an event to Lambda, or keep it in the target's queue.

Sources: EventBridge User Guide, "How EventBridge retries delivering events" and "Using
dead-letter queues to process undelivered events".
"""

import contextvars
import logging
from dataclasses import dataclass, field
from typing import Any

from local_cloud.delivery import failure_records
from local_cloud.delivery.clock import Clock, backoff
from local_cloud.delivery.delivery_log import INTERNAL_ERROR, Delivery, Journal, Origin, Outcome
from local_cloud.delivery.emulator_port import Cloud, DeliveryError, Function, name_in
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.lambda_queue import AsyncInvoker
from local_cloud.delivery.work_queue import WorkQueue

_log = logging.getLogger("local_cloud.events")

RETRY_ATTEMPTS = 185
EVENT_AGE = 86_400.0
"""EventBridge's defaults: 185 retries within 24 hours."""


@dataclass
class Handover:
    """One event on its way from one rule to one target.

    Attributes:
        rule_arn: the rule that matched, or the schedule.
        rule_name: its name.
        target_arn: the function.
        payload: what the function is to get, parsed.
        raw: the event as it was put on the bus, as text: what a dead-letter queue gets.
        origin: which event it is.
        role_arn: the role a schedule uses; empty for a rule.
        dead_letter: ARN of the target's dead-letter queue, or empty.
        retries: the retry policy's MaximumRetryAttempts.
        event_age: its MaximumEventAgeInSeconds, in AWS seconds.
        attempts: how often Lambda was asked.
        age: how long it has been retried, in AWS seconds.
        context: the context variables (account, region) of the request that published.
    """

    rule_arn: str
    rule_name: str
    target_arn: str
    payload: Any
    raw: str
    origin: Origin
    role_arn: str = ""
    dead_letter: str = ""
    retries: int = RETRY_ATTEMPTS
    event_age: float = EVENT_AGE
    attempts: int = field(default=0, init=False)
    age: float = field(default=0.0, init=False)
    context: contextvars.Context = field(default_factory=contextvars.copy_context, init=False)

    @property
    def function_name(self) -> str:
        """The target's name, whether or not it exists."""
        return name_in(self.target_arn)


class Targets:
    """Hands events to Lambda's queue as EventBridge does."""

    def __init__(
        self,
        cloud: Cloud,
        invoker: AsyncInvoker,
        queue: WorkQueue,
        clock: Clock,
        journal: Journal,
        switch: Switch,
    ) -> None:
        self._cloud = cloud
        self._invoker = invoker
        self._queue = queue
        self._clock = clock
        self._journal = journal
        self._switch = switch

    def deliver(self, handover: Handover) -> None:
        """Try once; a refusal that may pass is tried again from the queue."""
        try:
            # A copy: the next attempt may begin before this one ends.
            handover.context.copy().run(self._attempt, handover)
        except Exception:  # noqa: BLE001 - whatever it is, the event must not vanish in silence
            _log.exception("%s: the local cloud failed", handover.function_name)
            self._drop(handover, INTERNAL_ERROR)

    def _attempt(self, handover: Handover) -> None:
        handover.attempts += 1
        name, origin = handover.function_name, handover.origin
        function = self._cloud.function(handover.target_arn)
        if function is None:
            self._fail(
                handover, failure_records.NO_RESOURCE, f"Function not found: {handover.target_arn}"
            )
        elif not self._may_invoke(handover, function):
            message = (
                f"User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction "
                f"on resource: {handover.target_arn}"
            )
            self._fail(handover, failure_records.NO_PERMISSIONS, message)
        elif self._switch.refuses(origin.identity, name, origin.detail_type, handover.attempts):
            self._refused(handover)
        else:
            self._invoker.submit(function, handover.payload, origin)

    def _may_invoke(self, handover: Handover, function: Function) -> bool:
        return self._cloud.events_may_invoke(function.arn, handover.rule_arn, handover.role_arn)

    def _refused(self, handover: Handover) -> None:
        """Lambda did not take it: try again later, unless the retry policy is exhausted."""
        self._note(handover, Outcome.REFUSED, failure_records.THROTTLING)
        wait = backoff(handover.attempts)
        exhausted = ""
        if handover.attempts > handover.retries:
            exhausted = "MaximumRetryAttempts"
        elif handover.age + wait > handover.event_age:
            exhausted = "MaximumEventAgeInSeconds"
        if exhausted:
            self._fail(handover, failure_records.THROTTLING, "Rate exceeded", exhausted)
            return
        handover.age += wait
        self._queue.put(lambda: self.deliver(handover), self._clock.real(wait))

    def _fail(self, handover: Handover, code: str, message: str, exhausted: str = "") -> None:
        """Send the event to the target's dead-letter queue; without one it is lost."""
        named = f"{handover.function_name}: event {handover.origin.detail_type}"
        rule = _dimensions(handover)
        self._cloud.count("AWS/Events", "FailedInvocations", rule)
        if handover.dead_letter:
            attributes = failure_records.target_attributes(
                handover.rule_arn,
                handover.target_arn,
                code=code,
                message=message,
                retries=handover.attempts - 1,
                exhausted=exhausted,
            )
            try:
                self._cloud.send_as_events(
                    handover.rule_arn, handover.dead_letter, handover.raw, attributes
                )
            except DeliveryError as error:
                self._cloud.count("AWS/Events", "InvocationsFailedToBeSentToDlq", rule)
                _log.error("%s: not taken by the dead-letter queue: %s", named, error)
            else:
                self._cloud.count("AWS/Events", "InvocationsSentToDlq", rule)
                _log.warning("%s dead-lettered (%s)", named, code)
                self._note(handover, Outcome.DEAD_LETTERED, code, queue=handover.dead_letter)
                return
        self._drop(handover, code)

    def _drop(self, handover: Handover, why: str) -> None:
        _log.error(
            "%s: event %s dropped (%s)", handover.function_name, handover.origin.detail_type, why
        )
        self._note(handover, Outcome.DROPPED, why)

    def _note(self, handover: Handover, outcome: Outcome, reason: str, *, queue: str = "") -> None:
        self._journal.add(
            Delivery(
                handover.function_name,
                outcome,
                handover.origin,
                attempt=handover.attempts,
                reason=reason,
                queue=queue,
            )
        )


def _dimensions(handover: Handover) -> dict[str, str]:
    """What CloudWatch knows a rule by; one of the default bus has its name alone."""
    # arn:aws:events:<region>:<account>:rule/<bus>/<name>
    bus = handover.rule_arn.partition(":rule/")[2].rpartition("/")[0]
    return {"RuleName": handover.rule_name} | ({"EventBusName": bus} if bus else {})
