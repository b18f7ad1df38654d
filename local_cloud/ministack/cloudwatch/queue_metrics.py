"""The metrics that SQS sends about queues; MiniStack 1.5.33 has none of them."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import time

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, sqs

_FRESH = 30.0
"""Seconds after which an unchanged value is measured again: twice in an alarm's shortest period."""


def measure() -> None:
    """Measure every queue."""
    now = time.time()
    for (account, region, _), queue in list(sqs._queues._data.items()):
        set_request_account_id(account)
        set_request_region(region)
        sqs._refresh_counts(queue)
        attributes = queue["attributes"]
        name = attributes["QueueArn"].rpartition(":")[2]
        sent = [message.get("sent_at", now) for message in queue["messages"]]
        _keep(name, "ApproximateAgeOfOldestMessage", now - min(sent, default=now), "Seconds", now)
        for metric, attribute in (
            ("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessages"),
            ("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesNotVisible"),
        ):
            _keep(name, metric, float(attributes[attribute]), "Count", now)


def _keep(queue: str, metric: str, value: float, unit: str, now: float) -> None:
    """Store a value if it differs from the last one."""
    dimensions = {"QueueName": queue}
    key = ("AWS/SQS", metric, cloudwatch._dims_key(dimensions))
    points = cloudwatch._metric_bucket(key)
    last = points[-1] if points else None
    if last is not None:
        fresh = now - last["Timestamp"] < _FRESH
        if last["Value"] == value and (fresh or not value):
            return
        if fresh and unit == "Seconds" and value > last["Value"] > 0:
            last["Value"] = value  # an age always grows
            return
    points.append({"Timestamp": now, "Value": value, "Unit": unit, "Dimensions": dimensions})
