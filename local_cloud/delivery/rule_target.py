"""EventBridge's part of a delivery: send an event to a target, or to its dead-letter queue.

Sources: EventBridge User Guide, "How EventBridge retries delivering events" and "Using
dead-letter queues to process undelivered events".
"""

import contextvars
import logging
from dataclasses import dataclass, field
from typing import Any

from local_cloud.delivery import failure_records
from local_cloud.delivery.clock import Clock, backoff
from local_cloud.delivery.delivery_log import (
    INTERNAL_ERROR,
    Delivery,
    Journal,
    Origin,
    Outcome,
    moment,
)
from local_cloud.delivery.emulator_port import Cloud, DeliveryError, Function, name_in
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.lambda_queue import AsyncInvoker
from local_cloud.delivery.work_queue import WorkQueue

_log = logging.getLogger("local_cloud.events")

RETRY_ATTEMPTS = 185
EVENT_AGE = 86_400.0
"""EventBridge's defaults: 185 retries within 24 hours."""


@dataclass
class TargetDelivery:
    """The delivery of one event from one rule to one target.

    Attributes:
        rule_arn: The rule that matched, or the schedule.
        rule_name: Its name.
        target_arn: The function, queue, topic, state machine or bus.
        payload: A function's input, parsed.
        raw: The event as text, as it was put on the bus: a dead-letter queue gets this.
        origin: Identifies the event.
        text: The input of every other target, as text.
        group: The message group of a FIFO queue, or empty.
        role_arn: The role that a schedule or a target uses, or empty.
        dead_letter: ARN of the target's dead-letter queue, or empty.
        retries: The retry policy's MaximumRetryAttempts.
        event_age: Its MaximumEventAgeInSeconds, in AWS seconds.
        attempts: The number of attempts.
        age: AWS seconds since the first attempt.
        context: The context variables (account, region) of the request that published.
    """

    rule_arn: str
    rule_name: str
    target_arn: str
    payload: Any
    raw: str
    origin: Origin
    text: str = ""
    group: str = ""
    role_arn: str = ""
    dead_letter: str = ""
    retries: int = RETRY_ATTEMPTS
    event_age: float = EVENT_AGE
    attempts: int = field(default=0, init=False)
    age: float = field(default=0.0, init=False)
    context: contextvars.Context = field(default_factory=contextvars.copy_context, init=False)

    @property
    def target_name(self) -> str:
        """Return the target's name, also if it does not exist."""
        return name_in(self.target_arn)


class Targets:
    """Delivers events as EventBridge does: functions get them through Lambda's queue."""

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

    def deliver(self, delivery: TargetDelivery) -> None:
        """Try once; the queue retries a temporary refusal."""
        try:
            # A copy: the next attempt may start before this one ends.
            delivery.context.copy().run(self._attempt, delivery)
        except Exception:  # noqa: BLE001 - whatever it is, the event must not vanish in silence
            _log.exception("%s: the local cloud failed", delivery.target_name)
            self._drop(delivery, INTERNAL_ERROR)

    def _attempt(self, delivery: TargetDelivery) -> None:
        delivery.attempts += 1
        if _region(delivery.target_arn) != _region(delivery.rule_arn):
            message = f"{delivery.target_arn} is in another region than {delivery.rule_arn}"
            self._fail(delivery, failure_records.NO_RESOURCE, message)
        elif ":lambda:" in delivery.target_arn:
            self._to_function(delivery)
        elif self._is_refused(delivery):
            self._refused(delivery)
        else:
            self._to_target(delivery)

    def _to_target(self, delivery: TargetDelivery) -> None:
        try:
            self._cloud.deliver_as_events(
                delivery.rule_arn,
                delivery.target_arn,
                delivery.text,
                role_arn=delivery.role_arn,
                group=delivery.group,
            )
        except DeliveryError as error:
            code = failure_records.NO_RESOURCE if error.missing else failure_records.NO_PERMISSIONS
            self._fail(delivery, code, str(error))
        else:
            self._count(delivery, "Invocations")
            self._note(delivery, Outcome.DELIVERED, "")

    def _to_function(self, delivery: TargetDelivery) -> None:
        function = self._cloud.function(delivery.target_arn)
        if function is None:
            self._fail(
                delivery, failure_records.NO_RESOURCE, f"Function not found: {delivery.target_arn}"
            )
        elif not self._may_invoke(delivery, function):
            message = (
                f"User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction "
                f"on resource: {delivery.target_arn}"
            )
            self._fail(delivery, failure_records.NO_PERMISSIONS, message)
        elif self._is_refused(delivery):
            self._refused(delivery)
        else:
            self._count(delivery, "Invocations")
            self._invoker.submit(function, delivery.payload, delivery.origin)

    def _is_refused(self, delivery: TargetDelivery) -> bool:
        """Return whether an injected fault makes the target refuse this attempt."""
        origin = delivery.origin
        return self._switch.refuses(
            origin.identity, delivery.target_name, origin.detail_type, delivery.attempts
        )

    def _may_invoke(self, delivery: TargetDelivery, function: Function) -> bool:
        return self._cloud.events_may_invoke(function.arn, delivery.rule_arn, delivery.role_arn)

    def _refused(self, delivery: TargetDelivery) -> None:
        """Retry later, unless the retry policy is exhausted."""
        wait = backoff(delivery.attempts)
        exhausted = ""
        if delivery.attempts > delivery.retries:
            exhausted = "MaximumRetryAttempts"
        elif delivery.age + wait > delivery.event_age:
            exhausted = "MaximumEventAgeInSeconds"
        seconds = self._clock.real(wait)
        next_try = "" if exhausted else moment(seconds)
        self._note(delivery, Outcome.REFUSED, failure_records.THROTTLING, next_try=next_try)
        if exhausted:
            self._fail(delivery, failure_records.THROTTLING, "Rate exceeded", exhausted)
            return
        delivery.age += wait
        self._queue.put(lambda: self.deliver(delivery), seconds)

    def _fail(self, delivery: TargetDelivery, code: str, message: str, exhausted: str = "") -> None:
        """Send the event to the target's dead-letter queue; without one it is lost."""
        named = f"{delivery.target_name}: event {delivery.origin.detail_type}"
        self._count(delivery, "Invocations")
        self._count(delivery, "FailedInvocations")
        if delivery.dead_letter:
            attributes = failure_records.target_attributes(
                delivery.rule_arn,
                delivery.target_arn,
                code=code,
                message=message,
                retries=delivery.attempts - 1,
                exhausted=exhausted,
            )
            try:
                self._cloud.send_as_events(
                    delivery.rule_arn, delivery.dead_letter, delivery.raw, attributes
                )
            except DeliveryError as error:
                self._count(delivery, "InvocationsFailedToBeSentToDlq")
                _log.error("%s: the dead-letter queue refused it: %s", named, error)
            else:
                self._count(delivery, "InvocationsSentToDlq")
                _log.warning("%s dead-lettered (%s)", named, code)
                self._note(delivery, Outcome.DEAD_LETTERED, code, queue=delivery.dead_letter)
                return
        self._drop(delivery, code)

    def _count(self, delivery: TargetDelivery, metric: str) -> None:
        """Count for a rule. EventBridge Scheduler has other metrics, which are not here."""
        if rule := dimensions(delivery.rule_arn):
            self._cloud.count("AWS/Events", metric, rule)

    def _drop(self, delivery: TargetDelivery, why: str) -> None:
        _log.error(
            "%s: event %s dropped (%s)", delivery.target_name, delivery.origin.detail_type, why
        )
        self._note(delivery, Outcome.DROPPED, why)

    def _note(
        self,
        delivery: TargetDelivery,
        outcome: Outcome,
        reason: str,
        *,
        queue: str = "",
        next_try: str = "",
    ) -> None:
        self._journal.add(
            Delivery(
                delivery.target_name,
                outcome,
                delivery.origin,
                attempt=delivery.attempts,
                reason=reason,
                queue=queue,
                next_try=next_try,
            )
        )


def dimensions(rule_arn: str) -> dict[str, str]:
    """Return the dimensions of a rule's metrics; a rule of the default bus has only its name.

    Args:
        rule_arn: arn:aws:events:<region>:<account>:rule/<bus>/<name>; {} for any other ARN.
    """
    if ":rule/" not in rule_arn:
        return {}
    bus, _, name = rule_arn.partition(":rule/")[2].rpartition("/")
    return {"RuleName": name} | ({"EventBusName": bus} if bus else {})


def _region(arn: str) -> str:
    return arn.split(":")[3]
