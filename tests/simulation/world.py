"""Time and processes: what happens when, decided by nothing but the seed.

A process is one run of a function in a greenlet. Each of its calls gives up control, and others
go on: two runs meet at every call, as they do on AWS, and the same way in every run of a seed.
"""

import heapq
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

from greenlet import getcurrent, greenlet

from orderflow.clock import to_timestamp
from tests.simulation.faults import Choices, Fault, Faults, NoFaults

T = TypeVar("T")

BEGIN = datetime(2026, 1, 15, 9, tzinfo=UTC)
LATENCY_SECONDS = 0.040
"""The longest that a call takes."""


class Violation(BaseException):
    """An invariant does not hold.

    Attributes:
        invariant: Its name.
    """

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


class Killed(BaseException):
    """The process is dead: it has no effect any more."""


@dataclass(frozen=True)
class Ending:
    """How a process ended: with a value, with an error, or it was killed (neither)."""

    value: Any = None
    error: BaseException | None = None
    killed: bool = False

    @property
    def returned(self) -> bool:
        """Whether it returned."""
        return self.error is None and not self.killed


@dataclass
class Process:
    """One run of a function.

    Attributes:
        name: The function's key.
        key: Names it in every run of the seed.
        skew: How far its clock is from the world's, in seconds.
    """

    name: str
    key: str
    skew: float
    calls: int = 0
    dead: bool = False
    ending: Ending | None = None
    ended: float | None = None
    """When, in seconds since the begin."""
    waiting: list["Process"] = field(default_factory=list)
    run: Any = None


class World:
    """One run of the simulation: its time, its processes and its faults."""

    def __init__(self, choices: Choices, faults: Faults) -> None:
        self.choices = choices
        self.faults: Faults = faults
        self.seconds = 0.0
        self.started = 0
        """How many processes there were."""
        self.skew = 0.0
        """The clocks of processes differ by up to so many seconds."""
        self.steady = False
        """Whether every call takes the same time."""
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._hub = getcurrent()
        self._over = False

    # Time

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return BEGIN + timedelta(seconds=self.seconds)

    def timestamp(self) -> str:
        """Return the time of the running process's clock, as a contract timestamp."""
        process = self.process()
        skew = process.skew if process else 0.0
        return to_timestamp(self.now() + timedelta(seconds=skew))

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something at a moment, in seconds since the begin."""
        heapq.heappush(self._due, (max(seconds, self.seconds), next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        self.at(self.seconds + seconds, action)

    def run(self) -> None:
        """Go on until nothing is due."""
        while self._due:
            self.seconds, _, action = heapq.heappop(self._due)
            action()

    def end(self) -> None:
        """Let no process have an effect any more."""
        self._over = True

    def calm(self) -> None:
        """Switch the faults off."""
        injected = self.faults.injected
        self.faults = NoFaults(injected)

    # Processes

    def process(self) -> Process | None:
        """Return the process that runs now."""
        return getattr(getcurrent(), "process", None)

    def start(
        self,
        name: str,
        key: str,
        work: Callable[[], Any],
        ended: Callable[[Ending], None] = lambda _: None,
    ) -> Process:
        """Start a process now; `ended` is called when it is over."""
        skew = (self.choices.number(f"skew|{key}") - 0.5) * 2 * self.skew if self.skew else 0.0
        process = Process(name, key, skew)
        self.started += 1

        def main() -> None:
            try:
                ending = Ending(work())
            except Killed:
                ending = Ending(killed=True)
            except Exception as error:  # noqa: BLE001 - Lambda takes every error
                ending = Ending(error=error)
            process.dead = True
            process.ending, process.ended = ending, self.seconds
            if self._over:
                return
            for other in process.waiting:
                self._resume(other, 0.0)
            ended(ending)

        run: Any = greenlet(main, parent=self._hub)
        run.process = process
        process.run = run
        self.after(0.0, run.switch)
        return process

    def sleep(self, seconds: float) -> None:
        """Let the running process wait."""
        process = self._alive()
        self._resume(process, seconds)
        self._hub.switch()
        self._alive()

    def wait(self, other: Process) -> Ending:
        """Let the running process wait for another one's end."""
        process = self._alive()
        if other.ending is None:
            other.waiting.append(process)
            self._hub.switch()
            self._alive()
        assert other.ending is not None
        return other.ending

    def kill(self) -> NoReturn:
        """End the running process where it is."""
        self._alive().dead = True
        raise Killed

    def _alive(self) -> Process:
        process = self.process()
        assert process is not None
        if process.dead or self._over:
            raise Killed
        return process

    def _resume(self, process: Process, seconds: float) -> None:
        self.after(seconds, process.run.switch)

    # Calls

    def call(
        self,
        kind: str,
        operation: str,
        effect: Callable[[], T],
        *,
        refuse: Callable[[Fault], T],
        tries: int = 2,
    ) -> T:
        """Make a call of the running process: time passes, and a fault may hit it.

        Args:
            kind: The kind of site, which has the possible faults.
            operation: Names the call in the site's key.
            effect: What it does; it may raise what AWS answers.
            refuse: Is called for a fault that the caller gets to know; raises or returns what the
                caller gets.
            tries: How often the SDK sends the request when it gets no answer.
        """
        process = self._alive()
        process.calls += 1
        site = f"{process.key} {process.calls} {operation}"
        fault = self.faults.at(kind, site)
        self.sleep(LATENCY_SECONDS / 2 if self.steady else self._latency(site))
        if fault is None:
            return effect()
        if fault in {Fault.KILLED_AFTER, Fault.REPLY_LOST, Fault.REPLY_LOST_ONCE}:
            for _ in range(tries if fault is Fault.REPLY_LOST else 1):
                with suppress(Exception):  # the answer is lost, whatever it was
                    effect()
        if fault in {Fault.KILLED_BEFORE, Fault.KILLED_AFTER}:
            self.kill()
        if fault is Fault.REPLY_LOST_ONCE:
            self.sleep(LATENCY_SECONDS)
            return effect()
        return refuse(fault)

    def _latency(self, site: str) -> float:
        return LATENCY_SECONDS * self.choices.number(f"latency|{site}")
