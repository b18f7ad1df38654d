"""PutEvents judges each entry of a request by itself, and the size of the whole request.

Sources: LocalStack 8b9a79f0, tests/aws/services/events/test_events.snapshot.json, recorded on AWS
(test_put_events_without_source, test_put_event_without_detail, …_without_detail_type,
…_malformed_detail, …_with_too_big_detail); EventBridge User Guide, "Calculating PutEvents event
entry size"; the limit of 1 MB: botocore's model of 2026 (until 2025 it was 256 KB).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from local_cloud.delivery import json_text

REQUEST_LIMIT = 1_048_576
"""Bytes of all entries of a request together."""

TOO_LARGE = "Total size of the entries in the request is over the limit."

_REQUIRED = ("Source", "DetailType", "Detail")
_TIME_BYTES = 14


def over_the_limit(entries: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a request's entries are too large together."""
    return sum(map(size, entries)) > REQUEST_LIMIT


def size(entry: Mapping[str, Any]) -> int:
    """Return the size of an entry in bytes, as EventBridge counts it."""
    texts = [entry.get(name) or "" for name in _REQUIRED] + list(entry.get("Resources") or [])
    time = 0 if entry.get("Time") is None else _TIME_BYTES
    return time + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def error_of(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the error code and message of an entry that is refused; None for one that is not."""
    for name in _REQUIRED:
        if not entry.get(name):
            reason = f"{name} is a required argument."
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}"
    try:
        detail = json.loads(entry["Detail"], parse_constant=_no_json)
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        return "MalformedDetail", "Detail is malformed."
    return None


def time_of(entry: Mapping[str, Any]) -> float | None:
    """Return an entry's time, in seconds since 1970; None if it has none."""
    time = entry.get("Time")
    if isinstance(time, str):
        time = datetime.fromisoformat(time).timestamp()
    return None if time is None else float(time)


def _no_json(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def ordered(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an event in the order in which EventBridge sends them."""
    known = {name: envelope[name] for name in _ORDER if name in envelope}
    return {**known, **envelope}


_ORDER = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "replay-name",
    "detail",
)
"""Source: EventBridge User Guide, "AWS service event metadata"; the order is also recorded."""


def compact(event: Any) -> str:
    """Return an event as EventBridge sends it: JSON without blanks.

    Source: LocalStack 8b9a79f0, tests/aws/services/events/test_events_targets.snapshot.json,
    test_put_events_with_target_sns.
    """
    return json_text.dumps(event, separators=(",", ":"))
