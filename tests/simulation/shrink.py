"""The shortest form of a failed run: what is left when nothing more can be taken away."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.simulation.faults import Choices
from tests.simulation.scenario import Result, Scenario, faults_of, run, scenario_of

T = TypeVar("T")


def shrink(seed: str, found: Result) -> Result:
    """Return the run of a seed with as few orders, acts and faults as break the same invariant.

    Args:
        seed: The seed.
        found: Its whole run, which breaks an invariant.
    """
    assert found.violation is not None
    smaller = _Smaller(seed, found.violation.invariant, [each.site for each in found.injected])
    for _ in range(2):  # what the first round took away may make the second shorter
        smaller.take_away()
    return smaller.run(smaller.scenario, smaller.sites) or found


class _Smaller:
    """A run that gets smaller, and still breaks its invariant."""

    def __init__(self, seed: str, invariant: str, sites: list[str]) -> None:
        self.scenario = scenario_of(Choices(seed))
        self.sites = sites
        self._seed = seed
        self._invariant = invariant

    def take_away(self) -> None:
        """Take away faults, then acts, then orders."""
        self.sites = _fewest(self.sites, lambda sites: self._fails(self.scenario, sites))
        acts = _fewest(
            self.scenario.acts,
            lambda left: self._fails(replace(self.scenario, acts=tuple(left)), self.sites),
        )
        self.scenario = replace(self.scenario, acts=tuple(acts))
        orders = _fewest(
            self.scenario.orders,
            lambda left: self._fails(replace(self.scenario, orders=tuple(left)), self.sites),
        )
        self.scenario = replace(self.scenario, orders=tuple(orders))

    def run(self, scenario: Scenario, sites: Sequence[str]) -> Result | None:
        """Run a scenario with the faults of these sites; return it if the invariant breaks."""
        choices = Choices(self._seed)
        result = run(scenario, choices, faults_of(choices, only=set(sites)))
        broken = result.violation is not None and result.violation.invariant == self._invariant
        return result if broken else None

    def _fails(self, scenario: Scenario, sites: Sequence[str]) -> bool:
        return self.run(scenario, sites) is not None


def _fewest(items: Sequence[T], still_fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return as few items as still fail: take away halves, then quarters, then single ones."""
    left = list(items)
    size = len(left)
    while size:
        for begin in range(len(left) - len(left) % size, -1, -size):
            shorter = left[:begin] + left[begin + size :]
            if len(shorter) < len(left) and still_fails(shorter):
                left = shorter
        size //= 2
    return left
