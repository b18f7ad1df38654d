"""CloudWatch Logs: what MiniStack does otherwise than AWS, one module for each reason."""

from local_cloud.ministack.logs import event_ids, ingestion


def install() -> None:
    """Attach all patches of CloudWatch Logs. Once per process, before the first request."""
    event_ids.install()
    ingestion.install()
