"""Read metrics from log lines in the embedded metric format; MiniStack 1.5.33 reads none."""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs

from local_cloud.delivery.embedded_metrics import metrics_in
from local_cloud.ministack.cloudwatch.points import record
from local_cloud.ministack.replacing import replace


def install() -> None:
    """Attach the patch, which gets every log event."""
    replace(cloudwatch_logs, "_append_log_events", _reading)


def _reading(append: Callable[..., None]) -> Callable[..., None]:
    def appended(stream: Any, events: list[dict[str, Any]]) -> None:
        append(stream, events)
        for event in events:
            for metric in metrics_in(event["message"]):
                for value in metric.values:
                    record(
                        metric.namespace,
                        metric.name,
                        value,
                        metric.unit,
                        metric.dimensions,
                        at=metric.seconds,
                    )

    return appended
