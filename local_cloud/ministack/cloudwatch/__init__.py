"""CloudWatch as AWS has it, where MiniStack differs: a module for each reason."""

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.cloudwatch import (
    alarms,
    embedded_metrics,
    function_metrics,
    points,
    query_answers,
    queue_metrics,
    rounds,
)
from local_cloud.ministack.logs import ingestion


def install(parts: Parts) -> None:
    """Attach all patches of CloudWatch, once per process."""
    for each in (points, embedded_metrics, function_metrics, alarms, query_answers):
        each.install()
    tasks = [ingestion.catch_up, queue_metrics.measure, alarms.evaluate_all]
    rounds.start(parts.settings.seconds_per_minute, tasks)
