"""EventBridge as AWS has it, where MiniStack differs: a module for each reason."""

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.eventbridge import (
    archives,
    event_layout,
    failed_entries,
    killed_publishers,
    patterns,
    put_events,
    rules,
    targets,
)


def install(parts: Parts) -> None:
    """Attach all patches of EventBridge. Once per process, before the first request."""
    patterns.install()
    rules.install()
    archives.install(parts.queue)
    targets.install(parts)
    put_events.install()
    failed_entries.install(parts)
    killed_publishers.install(parts)  # before an entry is checked
    event_layout.install()  # around the targets: it shapes what they are sent
