"""What the delivery code needs of a cloud; `ministack.emulator` and the tests implement it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

EVENT_AGE_LIMIT = 21_600.0
"""AWS's default and longest maximum age of an asynchronous event, in seconds: six hours."""


@dataclass(frozen=True)
class Function:
    """A function and its asynchronous settings, as they stand at this moment.

    Attributes:
        arn: as it was invoked, with the qualifier if there was one.
        name: its name.
        version: the version that runs: `$LATEST` or a number.
        reserved: its reserved concurrency; None when none is reserved.
        retries: how often a handler's error is retried.
        event_age: after how many AWS seconds an event is given up.
        on_failure: ARN of the on-failure destination, or empty.
        dead_letter: ARN of its DeadLetterConfig's target, or empty.
    """

    arn: str
    name: str
    version: str = "$LATEST"
    reserved: int | None = None
    retries: int = 2
    event_age: float = EVENT_AGE_LIMIT
    on_failure: str = ""
    dead_letter: str = ""


def name_in(arn: str) -> str:
    """The name in a function's ARN, be there a version or alias behind it or not."""
    return arn.partition(":function:")[2].partition(":")[0] or arn


class Ending(Enum):
    """How an execution ended."""

    RETURNED = "returned"
    RAISED = "raised"
    """The handler raised, timed out, died, or could not be loaded."""
    THROTTLED = "throttled"
    SERVICE_ERROR = "service error"


@dataclass(frozen=True)
class Execution:
    """One execution of a function.

    Attributes:
        ending: how it ended.
        payload: what it returned or how its error reads, as JSON's types.
        seconds: how long it ran.
    """

    ending: Ending
    payload: Any = None
    seconds: float = 0.0

    @property
    def error_type(self) -> str:
        """The error's type, such as ValueError; empty when it returned."""
        named = isinstance(self.payload, dict) and self.ending is not Ending.RETURNED
        return str(self.payload.get("errorType", "")) if named else ""


class DeliveryError(Exception):
    """A queue did not take a message; the message says why."""


class Cloud(Protocol):
    """What the delivery code asks of the cloud it runs in."""

    def function(self, arn: str) -> Function | None:
        """The function with this ARN; None when there is none."""

    def execute(self, function: Function, event: Any, request_id: str) -> Execution:
        """Run it now, in this thread, without retries."""

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        """Whether EventBridge may invoke it for this rule, or a schedule with this role."""

    def send_as_function(
        self, function: Function, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue with the permissions of the function's role.

        Raises:
            DeliveryError: there is no such queue, or the role may not send to it.
        """

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue as EventBridge, for this rule.

        Raises:
            DeliveryError: there is no such queue, or its policy does not admit EventBridge.
        """

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        """Add one to a CloudWatch metric."""
