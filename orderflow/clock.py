"""Time as the contract writes it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]
"""Returns the present moment as a contract timestamp; tests pass a constant one."""


def utc_now() -> str:
    """Return now in UTC as ISO 8601 with milliseconds, for example 2026-01-15T09:30:00.250Z."""
    return to_timestamp(datetime.now(UTC))


def to_timestamp(moment: datetime) -> str:
    """Return a UTC moment as a contract timestamp."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def from_timestamp(text: str) -> datetime:
    """Return the moment that a contract timestamp names.

    Raises:
        ValueError: The text is not a contract timestamp.
    """
    moment = datetime.fromisoformat(text)
    if to_timestamp(moment) != text:
        raise ValueError("it is not written as the contract writes a timestamp")
    return moment
