"""The simulation itself: it is deterministic, it finds bugs, and it shows them."""

import contextlib
import json
import os
import subprocess
import sys

import pytest

from tests.simulation import campaign, planted_bugs, shrink, trace
from tests.simulation.claims import Invariant
from tests.simulation.faults import FAULTS, Choices, Fault, NoFaults, Planned
from tests.simulation.scenario import ENDINGS, run_planned, run_seed, scenario_of
from workshop.paths import ROOT

FEW_SEEDS = 100
"""Enough for every kind of fault and every ending."""

STATUSES = {
    "shipped": "SHIPMENT_PREPARED",
    "declined": "PAYMENT_DECLINED",
    "out of stock": "REFUNDED",
}

DIGEST = """
import hashlib, json
from tests.simulation.scenario import run_seed
for seed in range(12):
    result = run_seed(seed)
    run = result.run
    shown = [
        [(line[0], line[1], line[2], json.loads(line[3])["message"]) for line in run.lines],
        [(each.site, each.fault) for each in result.injected],
        run.tables.items,
        run.world.seconds,
    ]
    print(hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def few():
    return campaign.run_seeds(0, FEW_SEEDS)


def test_every_invariant_holds_in_the_first_seeds(few):
    assert few.failures == []
    assert few.runs == FEW_SEEDS


@pytest.mark.parametrize("seed", [1002731, 1003210])
def test_replay_recovers_an_order_whose_first_event_was_lost(seed):
    """It came as an event, which the tracker never got: the reconciler has nothing to publish."""
    result = run_seed(seed)
    assert result.violation is None
    assert result.run.without_event


def test_seeds_meet_every_fault_and_every_ending(few):
    assert few.faults.keys() == {fault.value for faults in FAULTS.values() for fault in faults}
    assert few.orders.keys() >= {*STATUSES.values(), "CREATED"}


def test_plans_have_every_fault_that_a_run_can_meet():
    """All endings with two faults: `make simulate`; with one, it is a part of `make test-all`."""
    summary = campaign.Summary()
    for function, arguments in campaign.plans(1, ["declined"]):
        summary += function(*arguments)
    every = {fault for faults in FAULTS.values() for fault in faults}
    assert summary.failures == []
    assert summary.faults.keys() == {fault.value for fault in every - {Fault.STALE, Fault.CONFLICT}}


@pytest.mark.parametrize("ending", ENDINGS)
def test_ending_is_reached_without_faults(ending):
    result = run_planned(ending, NoFaults())
    [order] = result.run.tables.items["orders"].values()
    assert result.violation is None
    assert order["status"]["S"] == STATUSES[ending]


def test_second_faults_include_the_calls_of_recovery():
    planned = Planned({})
    run_planned("shipped", planned)
    kinds = set()
    for first in campaign.exhaustion.firsts("shipped"):
        again = Planned(first.plan)
        run_planned("shipped", again)
        kinds |= set(again.sites)
    assert kinds - set(planned.sites) == {"dead letter", "queue", "invoke", "read", "query"}


def test_planted_bug_is_found_by_its_invariant():
    """The others: `make simulate-selftest`, a part of `make test-all`."""
    [number] = [n for n, bug in enumerate(planted_bugs.BUGS) if "before its consumer" in bug.name]
    found = campaign.find_bug(number)
    assert found.expected, found


def test_bug_that_breaks_nothing_is_reported_as_not_found(monkeypatch):
    harmless = planted_bugs.Bug("nothing", frozenset(), contextlib.nullcontext)
    monkeypatch.setattr(campaign, "BUGS", [harmless])
    monkeypatch.setattr(campaign, "SEEDS_OF_A_BUG", 5)
    assert campaign.find_bug(0) == campaign.Found("nothing", "", expected=False, seeds=5)


def test_planted_bugs_are_many_and_break_every_invariant():
    assert len(planted_bugs.BUGS) >= 25
    broken = {invariant for bug in planted_bugs.BUGS for invariant in bug.found_by}
    assert set(Invariant) - broken == set()


def test_seed_gives_the_same_run_in_every_process():
    def digests(hash_seed):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        return subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert digests("1") == digests("2")


def test_failed_run_is_shown_with_the_fewest_faults():
    [bug] = [each for each in planted_bugs.BUGS if "FailedEntryCount" in each.name]
    with bug.plant():
        seed, result = next(
            (seed, result) for seed in map(str, range(300)) if (result := run_seed(seed)).violation
        )
        shortest = shrink.shrink(seed, result)
        shown = "\n".join(map(str, trace.lines(shortest)))
    assert [each.fault for each in shortest.injected] == ["partial failure"]
    assert len(shortest.run.scenario.orders) == 1
    assert shortest.run.scenario.acts == ()
    assert shown.startswith(f"seed {seed}: {Invariant.DONE}")
    assert shortest.run.scenario.orders[0].order_id in shown
    assert "order-api  " in shown


def test_scenarios_differ_between_seeds():
    scenarios = {json.dumps(str(scenario_of(Choices(str(seed))))) for seed in range(50)}
    assert len(scenarios) == 50
