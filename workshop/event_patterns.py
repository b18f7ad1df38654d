"""Event patterns, judged as EventBridge judges them."""

from functools import cache
from typing import Any

from local_cloud.event_pattern import InvalidPatternError, Matcher
from workshop.environments import LOCAL_CLOUD, prepare
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, python_of

__all__ = ["InvalidPatternError", "close", "matches"]


def matches(pattern: str | dict[str, Any], event: dict[str, Any]) -> bool:
    """Return whether a pattern matches an event; the first call sets up what it needs.

    Args:
        pattern: As text or as an object.
        event: With source, detail-type and detail.

    Raises:
        InvalidPatternError: EventBridge refuses the pattern; the message is EventBridge's.
        ValueError: It refuses the event.
    """
    return _matcher().matches(pattern, event)


def close() -> None:
    """End the matcher's process, if there is one; the next match starts another."""
    if _matcher.cache_info().currsize:
        _matcher().close()
        _matcher.cache_clear()


@cache
def _matcher() -> Matcher:
    prepare([LOCAL_CLOUD])
    return Matcher(python_of(LOCAL_CLOUD_ENVIRONMENT))
