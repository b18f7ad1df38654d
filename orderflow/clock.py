"""Time as the contract writes it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]
"""Returns the present moment as a contract timestamp; tests pass one that stands still."""


def utc_now() -> str:
    """Return now in UTC as ISO 8601 with milliseconds, for example 2026-01-15T09:30:00.250Z."""
    return to_timestamp(datetime.now(UTC))


def to_timestamp(moment: datetime) -> str:
    """Return a UTC moment as a contract timestamp."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def from_timestamp(text: str) -> datetime:
    """Return the moment that a contract timestamp names.

    Raises:
        ValueError: The text is not a contract timestamp.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
