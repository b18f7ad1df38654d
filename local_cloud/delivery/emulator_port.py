"""The protocol that the delivery code needs; `ministack.emulator` and the tests implement it."""

import contextvars
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

EVENT_AGE_LIMIT = 21_600.0
"""AWS's default and longest maximum age of an asynchronous event, in seconds: six hours."""


@dataclass(frozen=True)
class Function:
    """A function and its current asynchronous settings.

    Attributes:
        arn: The ARN of the invocation, with its qualifier if there was one.
        name: Its name.
        version: The version that runs: `$LATEST` or a number.
        reserved: Its reserved concurrency; None if none is reserved.
        retries: The number of retries after an error of the handler.
        event_age: The maximum event age in AWS seconds.
        on_success: ARN of the on-success destination, or empty.
        on_failure: ARN of the on-failure destination, or empty.
        dead_letter: ARN of its DeadLetterConfig's target, or empty.
    """

    arn: str
    name: str
    version: str = "$LATEST"
    reserved: int | None = None
    retries: int = 2
    event_age: float = EVENT_AGE_LIMIT
    on_success: str = ""
    on_failure: str = ""
    dead_letter: str = ""


def name_in(arn: str) -> str:
    """Return the name in an ARN, without a function's version or alias."""
    name = arn.partition(":function:")[2].partition(":")[0]
    return name or arn.rpartition(":")[2].rpartition("/")[2]


class Ending(Enum):
    """The result of an execution."""

    RETURNED = "returned"
    RAISED = "raised"
    """The handler raised, timed out, died, or could not be loaded."""
    THROTTLED = "throttled"
    SERVICE_ERROR = "service error"


@dataclass(frozen=True)
class Execution:
    """One execution of a function.

    Attributes:
        ending: Its result.
        payload: What it returned, or its error, in JSON's types.
        seconds: Its duration.
        start_seconds: The duration of its cold start; 0 in a warm environment.
    """

    ending: Ending
    payload: Any = None
    seconds: float = 0.0
    start_seconds: float = 0.0

    @property
    def error_type(self) -> str:
        """Return the error's type, such as ValueError; empty when it returned."""
        named = isinstance(self.payload, dict) and self.ending is not Ending.RETURNED
        return str(self.payload.get("errorType", "")) if named else ""


@dataclass(frozen=True)
class EventSource:
    """An event source mapping that is enabled: a queue, and the function that gets its messages.

    Attributes:
        identifier: The mapping's UUID.
        queue_arn: The queue.
        function_arn: The function, its version or its alias.
        batch_size: The most messages of one invocation.
        window: The AWS seconds to wait for a full batch; 0: do not wait.
        concurrency: The most invocations at once.
        reports_failures: Whether the function reports the messages that failed.
        context: Context variables with the mapping's account and region.
    """

    identifier: str
    queue_arn: str
    function_arn: str
    batch_size: int = 10
    window: float = 0.0
    concurrency: int = 5
    reports_failures: bool = False
    context: contextvars.Context = field(default_factory=contextvars.copy_context, compare=False)


@dataclass(frozen=True)
class QueuedMessage:
    """A message that was received from a queue.

    Attributes:
        message_id: Its id.
        receipt: Its receipt handle.
        body: Its body.
        received: How often it was received, with this time.
        visible_since: When it was sent, or became visible again: UTC, ISO 8601.
        rule: The name of the rule that sent it; empty for any other sender.
        record: The message as Lambda gives it to a function.
    """

    message_id: str
    receipt: str
    body: str
    received: int
    visible_since: str = ""
    rule: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


class DeliveryError(Exception):
    """A queue, topic, bus, function or other target refused a message; the text says why.

    Attributes:
        missing: Whether there is no such target.
    """

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


class Cloud(Protocol):
    """The cloud, as the delivery code uses it."""

    def function(self, arn: str) -> Function | None:
        """Return the function with this ARN; None when there is none."""

    def execute(self, function: Function, event: Any, request_id: str) -> Execution:
        """Run a function now, in this thread, without retries."""

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        """Return whether EventBridge may invoke it for this rule, or a schedule with this role."""

    def send_as_function(
        self, function: Function, target_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue or topic with the permissions of the function's role.

        Raises:
            DeliveryError: There is no such queue or topic, or the role may not send to it.
        """

    def publish_as_function(self, function: Function, entry: dict[str, Any]) -> None:
        """Put an event on a bus with the permissions of the function's role.

        Raises:
            DeliveryError: The bus refuses it, or the role may not put it there.
        """

    def may_invoke_as_function(self, function: Function, target_arn: str) -> bool:
        """Return whether a function's role may invoke another function."""

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue as EventBridge, for this rule.

        Raises:
            DeliveryError: There is no such queue, or its policy does not allow EventBridge.
        """

    def deliver_as_events(
        self, rule_arn: str, target_arn: str, content: str, *, role_arn: str, group: str
    ) -> None:
        """Send an event to a target that is not a function, for a rule or a schedule.

        Args:
            rule_arn: The rule or the schedule.
            target_arn: A queue, a topic, a state machine or a bus.
            content: The event, or the result of the target's input settings.
            role_arn: The role with the permissions; if it is empty, the target's policy counts.
            group: The message group of a FIFO queue, or empty.

        Raises:
            DeliveryError: There is no such target, or EventBridge may not use it.
        """

    def event_sources(self) -> Sequence[EventSource]:
        """Return the enabled mappings of queues to functions, of all accounts and regions."""

    def visibility_timeout(self, queue_arn: str) -> float:
        """Return a queue's visibility timeout in AWS seconds."""

    def visible(self, queue_arn: str) -> tuple[int, float]:
        """Return how many messages are visible, and the real seconds that the oldest waits."""

    def buffered(self, source: EventSource) -> int:
        """Return how many messages a mapping's queue holds; 0 if its function does not exist."""

    def receive_as_function(
        self, function: Function, queue_arn: str, most: int
    ) -> list[QueuedMessage]:
        """Receive up to ten messages with the permissions of the function's role.

        They are invisible for the visibility timeout, in real seconds: work is not scaled.

        Raises:
            DeliveryError: There is no such queue, or the role may not receive from it.
        """

    def delete_as_function(
        self, function: Function, queue_arn: str, messages: Sequence[QueuedMessage]
    ) -> None:
        """Delete messages with the permissions of the function's role.

        Raises:
            DeliveryError: There is no such queue, or the role may not delete from it.
        """

    def hide(self, queue_arn: str, messages: Sequence[QueuedMessage], seconds: float) -> None:
        """Make received messages visible again after some real seconds."""

    def limit_invisibility(self, queue_arn: str, seconds: float) -> None:
        """Make received messages of a queue visible after these real seconds, at the latest."""

    def postpone(self, queue_arn: str, message: QueuedMessage, seconds: float) -> None:
        """Put a received message back for some real seconds, as if it had not been received."""

    def repeat_message(self, queue_arn: str, message: QueuedMessage, seconds: float) -> str:
        """Put a copy of a message into its queue, visible after some real seconds.

        Returns:
            The id of the copy.
        """

    def wake_pollers(self) -> None:
        """Poll all queues soon."""

    def measure(
        self, namespace: str, metric: str, dimensions: dict[str, str], value: float, unit: str
    ) -> None:
        """Add a value to a CloudWatch metric."""

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        """Add one to a CloudWatch metric."""
