"""AWS's waiting times, and how long they last here.

Sources: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation"; Amazon EventBridge User Guide, "How EventBridge retries delivering events".
"""

from dataclasses import dataclass

MINUTE = 60.0
"""Seconds, on AWS."""

_LONGEST_BACKOFF = 5 * MINUTE


@dataclass(frozen=True)
class Clock:
    """Turns AWS's seconds into real ones.

    Attributes:
        seconds_per_minute: how long one of AWS's minutes lasts here, in real seconds.
    """

    seconds_per_minute: float = 1.0

    def real(self, aws_seconds: float) -> float:
        """How long a wait of so many AWS seconds takes here, in seconds."""
        return aws_seconds / MINUTE * self.seconds_per_minute


def handler_error_wait(retry: int) -> float:
    """AWS seconds before the given retry (1, 2, …) of a handler that raised."""
    return MINUTE * retry


def backoff(refusals: int) -> float:
    """AWS seconds before trying again after so many throttles or service errors in a row."""
    return min(2.0 ** min(refusals - 1, 9), _LONGEST_BACKOFF)
