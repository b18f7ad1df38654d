"""The functions' logs in MiniStack's CloudWatch Logs.

AWS: an execution environment has one log stream, and the function knows its name. MiniStack 1.5.33
creates a stream for each invocation, and keeps all events in memory for ever.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from ministack.services import cloudwatch_logs

from local_cloud.delivery.invocation_log import Event

MOST_EVENTS = 20_000
"""The newest events of a log group that are kept: those of some thousand runs of a function."""
_SPARE = MOST_EVENTS // 10
"""So many more are removed at once."""


def write(config: dict[str, Any], stream: str, events: Sequence[Event]) -> None:
    """Append events to a stream of the function's log group; create what is missing.

    Args:
        config: The function's configuration.
        stream: The stream's name.
        events: At least one event.
    """
    logging = config.get("LoggingConfig") or {}
    group = logging.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    now = events[-1][0]
    groups = cloudwatch_logs._log_groups
    # Threads of one function may come at the same moment: the first one's group and stream stay.
    streams = groups.setdefault(
        group,
        {
            "arn": cloudwatch_logs._make_group_arn(group),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        },
    )["streams"]
    streams.setdefault(
        stream,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )
    written = [{"timestamp": at, "message": text, "ingestionTime": now} for at, text in events]
    cloudwatch_logs._append_log_events(streams[stream], written)
    sent = [{"timestamp": at, "message": text} for at, text in events]
    cloudwatch_logs._fanout_to_subscription_filters(group, stream, sent)
    _forget_oldest(streams)


def _forget_oldest(streams: dict[str, Any]) -> None:
    """Remove the oldest events of a log group that has too many."""
    excess = sum(len(each["events"]) for each in list(streams.values())) - MOST_EVENTS
    if excess < _SPARE:
        return
    with cloudwatch_logs._log_events_lock:
        filled = [each for each in list(streams.values()) if each["events"]]
        moments = sorted(event["timestamp"] for each in filled for event in each["events"])
        oldest = moments[excess]
        for each in filled:
            count = bisect_left(each["events"], oldest, key=lambda event: event["timestamp"])
            del each["events"][:count]
