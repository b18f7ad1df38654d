"""The parts of the adapter, put together."""

from local_cloud.delivery.caller_registry import Callers
from local_cloud.delivery.clock import Clock
from local_cloud.delivery.concurrency_limit import Gate
from local_cloud.delivery.delivery_log import Journal
from local_cloud.delivery.emulator_port import Cloud
from local_cloud.delivery.fault_injection import Switch
from local_cloud.delivery.lambda_queue import AsyncInvoker
from local_cloud.delivery.rule_target import Targets
from local_cloud.delivery.work_queue import WorkQueue
from local_cloud.settings import Settings


class Parts:
    """One of each, connected."""

    def __init__(self, settings: Settings, cloud: Cloud, queue: WorkQueue | None = None) -> None:
        clock = Clock(settings.seconds_per_minute)
        self.settings = settings
        self.cloud = cloud
        self.journal = Journal(settings.journal_size)
        self.switch = Switch()
        self.queue = queue or WorkQueue(settings.concurrency, "asynchronous")
        self.gate = Gate(settings.concurrency, settings.patience)
        self.callers = Callers()
        self.invoker = AsyncInvoker(cloud, self.queue, clock, self.journal, self.switch)
        self.targets = Targets(cloud, self.invoker, self.queue, clock, self.journal, self.switch)

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits or will be retried."""
        return self.queue.counts().idle and self.gate.counts() == (0, 0)
