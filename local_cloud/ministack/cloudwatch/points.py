"""Store equal values of a second as one point.

MiniStack 1.5.33 stores a point for each value of its own services, and removes old ones only when a
client sends metrics. A rule that delivers thousands of events would need megabytes for the number
1. Of different values, such as durations, the latest are stored.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import threading
import time

from ministack.services import cloudwatch

from local_cloud.ministack.replacing import replace

MOST_POINTS = 20_000
"""The number of points of a metric: each needs about 400 bytes."""

_SURPLUS = 1_000
"""The number of additional points after which the oldest are removed."""


_lock = threading.Lock()
"""Functions run in several threads: no value must be lost when two arrive at the same time."""


def install() -> None:
    """Attach the patch."""
    replace(cloudwatch, "record_metric", lambda _: record)


def record(
    namespace: str,
    metric_name: str,
    value: float,
    unit: str = "None",
    dimensions: dict[str, str] | None = None,
    at: float | None = None,
) -> None:
    """Add a value to a metric.

    Args:
        namespace: Such as AWS/Lambda.
        metric_name: Such as Errors.
        value: The value.
        unit: CloudWatch's name of the unit.
        dimensions: By name.
        at: Its Unix time; None: now.
    """
    at = time.time() if at is None else at
    dimensions = dimensions or {}
    key = (namespace, metric_name, cloudwatch._dims_key(dimensions))
    with _lock:
        bucket = cloudwatch._metric_bucket(key)
        if bucket:
            last = bucket[-1]
            if last["Value"] == value and int(last["Timestamp"]) == int(at) and "_stat" not in last:
                last["Count"] = last.get("Count", 1.0) + 1
                return
        bucket.append(
            {"Timestamp": at, "Value": float(value), "Unit": unit, "Dimensions": dimensions}
        )
        if len(bucket) > MOST_POINTS + _SURPLUS:
            del bucket[:-MOST_POINTS]
