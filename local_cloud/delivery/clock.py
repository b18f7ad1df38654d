"""AWS's waiting times, scaled to real seconds.

Sources: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation"; Amazon EventBridge User Guide, "How EventBridge retries delivering events".
"""

from dataclasses import dataclass

MINUTE = 60.0
"""AWS seconds."""

_LONGEST_BACKOFF = 5 * MINUTE


@dataclass(frozen=True)
class Clock:
    """Converts AWS seconds into real seconds.

    Attributes:
        seconds_per_minute: The real seconds of a minute on AWS.
    """

    seconds_per_minute: float = 1.0

    def real(self, aws_seconds: float) -> float:
        """Return the real seconds of a wait in AWS seconds."""
        return aws_seconds / MINUTE * self.seconds_per_minute


def handler_error_wait(retry: int) -> float:
    """Return the AWS seconds before a retry (1, 2, …) after an error of the handler."""
    return MINUTE * retry


def backoff(refusals: int) -> float:
    """Return the AWS seconds before a retry after so many throttles or service errors in a row."""
    return min(2.0 ** min(refusals - 1, 9), _LONGEST_BACKOFF)
