"""The parts of the adapter, put together."""

from workshop.local_cloud.adapter.async_invoke import AsyncInvoker
from workshop.local_cloud.adapter.callers import Callers
from workshop.local_cloud.adapter.clock import Clock
from workshop.local_cloud.adapter.cloud import Cloud
from workshop.local_cloud.adapter.gate import Gate
from workshop.local_cloud.adapter.journal import Journal
from workshop.local_cloud.adapter.target import Targets
from workshop.local_cloud.adapter.trouble import Switch
from workshop.local_cloud.adapter.work_queue import WorkQueue
from workshop.local_cloud.settings import Settings


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
