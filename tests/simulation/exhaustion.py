"""Every combination of one and two faults at every call of an order's run."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.faults import FAULTS, Fault, Planned
from tests.simulation.scenario import Result, run_planned

Plan = dict[int, Fault]


@dataclass(frozen=True)
class First:
    """An ending, and the first fault of all plans that are run together; None for no fault."""

    ending: str
    site: int | None = None
    fault: Fault | None = None

    @property
    def plan(self) -> Plan:
        """The plan of the first fault alone."""
        return {} if self.site is None or self.fault is None else {self.site: self.fault}


def firsts(ending: str) -> list[First]:
    """Return every single fault of an ending, and the run without."""
    return [First(ending), *(First(ending, *each) for each in _singles(ending, {}, 0))]


def results(first: First, faults: int) -> Iterator[Result]:
    """Run the plan of a first fault, then that fault with each second one that can follow.

    Args:
        first: The first fault.
        faults: The most faults of a plan: 1 or 2.
    """
    yield _run(first.ending, first.plan)
    if faults == 2 and first.site is not None:
        for site, fault in _singles(first.ending, first.plan, first.site + 1):
            yield _run(first.ending, {**first.plan, site: fault})


def _singles(ending: str, plan: Plan, begin: int) -> Iterator[tuple[int, Fault]]:
    """Yield every site from a number on, of a run with a plan, with each of its faults."""
    planned = Planned(plan)
    run_planned(ending, planned)
    for site, kind in enumerate(planned.sites):
        if site >= begin:
            for fault in FAULTS[kind]:
                yield site, fault


def _run(ending: str, plan: Plan) -> Result:
    return run_planned(ending, Planned(plan))
