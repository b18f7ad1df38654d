"""Create and connect the parts of the adapter."""

from local_cloud.delivery.caller_registry import Callers
from local_cloud.delivery.change_log import ChangeLog
from local_cloud.delivery.clock import Clock
from local_cloud.delivery.concurrency_limit import Gate
from local_cloud.delivery.delivery_log import Journal
from local_cloud.delivery.emulator_port import Cloud
from local_cloud.delivery.event_source import EventSources
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.lambda_queue import AsyncInvoker
from local_cloud.delivery.permission_log import PermissionLog
from local_cloud.delivery.rule_target import Targets
from local_cloud.delivery.work_queue import WorkQueue
from local_cloud.eventual_consistency import Switch as Consistency
from local_cloud.settings import Settings


class Parts:
    """One object of each kind, connected."""

    def __init__(
        self,
        settings: Settings,
        cloud: Cloud,
        queue: WorkQueue | None = None,
        permissions: PermissionLog | None = None,
    ) -> None:
        clock = Clock(settings.seconds_per_minute)
        self.settings = settings
        self.cloud = cloud
        self.changes = ChangeLog()
        self.journal = Journal(settings.journal_size, self.changes.add)
        self.consistency = Consistency(on=settings.eventual)
        self.switch = Switch(self.consistency)
        self.queue = queue or WorkQueue(settings.concurrency, "asynchronous")
        self.gate = Gate(settings.concurrency, settings.patience)
        self.callers = Callers()
        self.permissions = permissions or PermissionLog()
        self.invoker = AsyncInvoker(cloud, self.queue, clock, self.journal, self.switch)
        self.targets = Targets(cloud, self.invoker, self.queue, clock, self.journal, self.switch)
        self.sources = EventSources(cloud, self.queue, clock, self.journal, self.switch)

    @property
    def idle(self) -> bool:
        """Return whether nothing runs, waits or will be retried."""
        ours = self.queue.counts().idle and self.gate.counts() == (0, 0)
        return ours and not self.sources.in_flight and not self.buffered

    @property
    def buffered(self) -> int:
        """Return the number of messages in front of functions; 0 if MiniStack alone delivers them.

        MiniStack loses or keeps some of them, so nobody could wait for their end.
        """
        return 0 if self.settings.bare else self.sources.buffered
