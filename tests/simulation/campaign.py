"""Many runs on all processors, and what they add up to."""

import gc
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import exhaustion
from tests.simulation.exhaustion import First
from tests.simulation.planted_bugs import BUGS
from tests.simulation.scenario import ENDINGS, Result, run_seed

SEEDS_OF_A_JOB = 50
SEEDS_OF_A_BUG = 300
"""Each planted bug must be found within so many seeds."""
MOST_FAILURES = 10
"""Failures that a summary has, at most."""


@dataclass(frozen=True)
class Failure:
    """A run that broke an invariant.

    Attributes:
        name: Its seed, or its ending and plan.
        violation: The invariant and what broke it.
    """

    name: str
    violation: str


@dataclass
class Summary:
    """What runs add up to.

    Attributes:
        runs: How many there were.
        functions: How many runs of functions they had.
        seconds: The time that passed in them.
        faults: Fault → how often it was injected.
        orders: Status → how many orders had it at the end.
        failures: The first runs that broke an invariant.
        failed: How many did.
    """

    runs: int = 0
    functions: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0

    def add(self, name: str, result: Result) -> None:
        """Add a run."""
        run = result.run
        self.runs += 1
        self.functions += run.world.started
        self.seconds += run.world.seconds
        self.faults.update(each.fault.value for each in result.injected)
        self.orders.update(row["status"]["S"] for row in run.tables.items["orders"].values())
        if result.violation is not None:
            self.failed += 1
            self.failures.append(Failure(name, str(result.violation)))
            del self.failures[MOST_FAILURES:]

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(
            self.runs + other.runs,
            self.functions + other.functions,
            self.seconds + other.seconds,
            self.faults + other.faults,
            self.orders + other.orders,
            (self.failures + other.failures)[:MOST_FAILURES],
            self.failed + other.failed,
        )


Job = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of this module and its arguments; processes are given both."""


def seeds(first: int, count: int) -> list[Job]:
    """Return the jobs that run so many seeds, from the first on."""
    end = first + count
    return [
        (run_seeds, (begin, min(begin + SEEDS_OF_A_JOB, end)))
        for begin in range(first, end, SEEDS_OF_A_JOB)
    ]


def plans(faults: int, endings: Iterable[str] = tuple(ENDINGS)) -> list[Job]:
    """Return the jobs that run every combination of up to 1 or 2 faults."""
    if not faults:
        return []
    firsts = [first for ending in endings for first in exhaustion.firsts(ending)]
    return [(run_plans, (first, faults)) for first in firsts]


def bugs() -> list[Job]:
    """Return the jobs that look for each planted bug."""
    return [(find_bug, (number,)) for number in range(len(BUGS))]


def run_seeds(begin: int, end: int) -> Summary:
    """Run the seeds from `begin` up to `end`."""
    summary = Summary()
    for seed in range(begin, end):
        summary.add(str(seed), run_seed(seed))
    return summary


def run_plans(first: First, faults: int) -> Summary:
    """Run every plan that begins with a fault."""
    summary = Summary()
    for result in exhaustion.results(first, faults):
        injected = ", ".join(f"{each.fault} at {each.site}" for each in result.injected)
        summary.add(f"{first.ending}: {injected or 'no fault'}", result)
    return summary


@dataclass(frozen=True)
class Found:
    """A planted bug, and the run that found it.

    Attributes:
        bug: Its name.
        invariant: The invariant that broke; empty if none did.
        expected: Whether this invariant is one of those that the bug breaks.
        seeds: How many seeds it took.
    """

    bug: str
    invariant: str
    expected: bool
    seeds: int


def find_bug(number: int) -> Found:
    """Plant a bug and run seeds until an invariant breaks."""
    bug = BUGS[number]
    with bug.plant():
        for seed in range(SEEDS_OF_A_BUG):
            violation = run_seed(f"bug {seed}").violation
            if violation is not None:
                expected = violation.invariant in bug.found_by
                return Found(bug.name, violation.invariant, expected, seed + 1)
    return Found(bug.name, "", expected=False, seeds=SEEDS_OF_A_BUG)


def results(jobs: list[Job]) -> Iterator[Any]:
    """Yield the jobs' results as they come; the jobs run on all processors."""
    workers = min(os.cpu_count() or 1, len(jobs))
    if workers <= 1:
        yield from map(_do, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _begin) as pool:
        yield from pool.imap_unordered(_do, jobs)


def _begin() -> None:
    """Prepare a process: what is loaded stays, so the collector need not look at it."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _do(job: Job) -> Any:
    function, arguments = job
    return function(*arguments)
