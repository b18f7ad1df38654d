"""What a soak measures while it runs: memory, queues, open orders and latencies."""

import shutil
import statistics
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from local_cloud.control import Control
from local_cloud.delivery.change_log import BusEvent
from local_cloud.delivery.delivery_log import Origin
from workshop.deployment.stack import Stack
from workshop.errors import UsageError
from workshop.recovery import dead_letters

FIRST = "order-created"
LAST = frozenset({"shipment-prepared", "payment-declined", "payment-refunded"})
"""An order's first event, and those after which it is final."""

EVERY_SECONDS = 2.0
MEGABYTE = 1024
"""Kilobytes, which `ps` reports."""


@dataclass(frozen=True)
class Sample:
    """The state of the local cloud at one moment.

    Attributes:
        seconds: Since the start of the soak.
        server: Resident memory of the server's process, in MB.
        functions: That of its child processes together, in MB.
        processes: The number of child processes.
        queued: Deliveries that wait for an execution.
        later: Deliveries that are not due yet: retries and injected delays.
        dead: Messages in all dead-letter queues.
        placed: Orders with an order-created event.
        open: Those that are not final.
        p50: Milliseconds from the first event to the last, of the orders final since the last
            sample; None if there are none.
        p99: The same.
    """

    seconds: float
    server: float
    functions: float
    processes: int
    queued: int
    later: int
    dead: int
    placed: int
    open: int
    p50: float | None
    p99: float | None


class Latencies:
    """Follows the cloud's change log: orders that are open, and how long each of them took."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._began: dict[str, datetime] = {}
        self._ended: set[str] = set()
        self._log_id, self._last = "", 0
        self.all: list[float] = []
        """Milliseconds of each order that is final."""
        self.outcomes: dict[str, int] = defaultdict(int)
        """Outcome of a delivery → how often."""
        self.lost = 0
        """Records that the log had removed before they were read."""

    @property
    def placed(self) -> int:
        """Orders with an order-created event."""
        return len(self._began)

    @property
    def open(self) -> int:
        """Those that are not final."""
        return len(self._began) - len(self._ended)

    def read(self) -> list[float]:
        """Read the log's new records; return the milliseconds of the orders that are new final."""
        before = len(self.all)
        while True:
            read = self._control.changes(self._log_id, self._last)
            self._log_id, self._last = read.log_id, read.last
            self.lost += read.lost
            for record in read.records:
                if isinstance(record, BusEvent):
                    self._note(record)
                else:
                    self.outcomes[str(record.outcome)] += 1
            if read.last >= read.newest:
                return self.all[before:]

    def _note(self, event: BusEvent) -> None:
        identity = Origin.of(event.content).identity
        order_id, _, step = identity.rpartition("/")
        moment = datetime.fromisoformat(event.time)
        if step == FIRST:
            self._began.setdefault(order_id, moment)
        elif step in LAST and order_id in self._began and order_id not in self._ended:
            self._ended.add(order_id)
            self.all.append((moment - self._began[order_id]).total_seconds() * 1000)


@dataclass
class Sampler:
    """Takes samples in a thread of its own until it is stopped."""

    stack: Stack
    control: Control
    shown: Callable[[Sample], None]
    samples: list[Sample] = field(default_factory=list)
    latencies: Latencies = field(init=False)

    def __post_init__(self) -> None:
        self.latencies = Latencies(self.control)
        self._queues = dead_letters.of(self.stack).queues
        self._pid = self.control.status().pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self._started = time.monotonic()

    def start(self) -> None:
        """Begin to take samples."""
        self._started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Take a last sample and end.

        Raises:
            Exception: What a sample raised.
        """
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error
        self._sample()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._sample()
                self._stop.wait(EVERY_SECONDS)
        except BaseException as error:  # noqa: BLE001 - `stop` raises it
            self._error = error

    def _sample(self) -> None:
        latest = self.latencies.read()
        status = self.control.status()
        server, functions, processes = memory(self._pid)
        sample = Sample(
            seconds=round(self.seconds, 1),
            server=server,
            functions=functions,
            processes=processes,
            queued=status.queued,
            later=status.later,
            dead=sum(each.total for each in self._queues.waiting().values()),
            placed=self.latencies.placed,
            open=self.latencies.open,
            p50=quantile(latest, 0.5),
            p99=quantile(latest, 0.99),
        )
        self.samples.append(sample)
        self.shown(sample)


def memory(pid: int) -> tuple[float, float, int]:
    """Return the resident memory of a process and of its descendants in MB, and their number.

    Raises:
        UsageError: This system has no `ps`.
    """
    program = shutil.which("ps")
    if program is None:
        raise UsageError("`ps` is required: it reports the memory of processes.")
    done = subprocess.run(
        [program, "-A", "-o", "pid=,ppid=,rss="], check=True, capture_output=True, text=True
    )
    return memory_in(done.stdout, pid)


def memory_in(report: str, pid: int) -> tuple[float, float, int]:
    """Return the same from the lines of `ps`: process, parent, kilobytes."""
    sizes: dict[int, int] = {}
    children: Mapping[int, list[int]] = defaultdict(list)
    for line in report.splitlines():
        process, parent, size = map(int, line.split())
        sizes[process] = size
        children[parent].append(process)
    below, waiting = [], [*children[pid]]
    while waiting:
        below.append(waiting.pop())
        waiting += children[below[-1]]
    kilobytes = sum(sizes[each] for each in below)
    return round(sizes.get(pid, 0) / MEGABYTE, 1), round(kilobytes / MEGABYTE, 1), len(below)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile of values; None if there are none."""
    if not values:
        return None
    if len(values) == 1:
        return round(values[0], 1)
    return round(statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1], 1)
