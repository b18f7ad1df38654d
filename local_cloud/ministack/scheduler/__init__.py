"""EventBridge Scheduler as AWS has it, where MiniStack differs: a module for each reason."""

from local_cloud.ministack.scheduler import schedules


def install() -> None:
    """Attach all patches of EventBridge Scheduler, once per process."""
    schedules.install()
