"""Stage by stage: going up only adds, going down only removes, and again changes nothing."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fixtures.deployed import LAST_STAGE, TEST_CLOUD, eventually
from workshop.deployment import up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.deployment.terraform import Changes
from workshop.orders import ordering
from workshop.paths import ROOT

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get("WORKSHOP_CLOUD") != TEST_CLOUD, reason="steps through the stages itself"
    ),
]


CHANGED_BY = {5: len(list(ROOT.glob("0[1-4]-*/terraform/patterns/*.json")))}
"""Stage → resources of earlier stages it changes: stage 5 gives each rule's target its queue."""


def test_going_up_only_adds(ladder):
    """Every stage's plan on the one before adds, and destroys nothing; all but the fifth's
    change nothing either.
    """
    ladder.reach(LAST_STAGE)
    for stage, changes in ladder.steps.items():
        assert changes.added > 0, stage
        assert (changes.changed, changes.destroyed) == (CHANGED_BY.get(stage, 0), 0), stage


def test_the_same_again_is_an_empty_plan(ladder):
    """A second apply with unchanged source does nothing."""
    stack = ladder.reach(LAST_STAGE)
    _, changes = up.deploy(stack.stage, TEST_CLOUD)
    assert changes == Changes()


def test_going_down_only_removes(ladder):
    """Stepping down, by one stage and by three, destroys what was added since, and nothing else."""
    ladder.reach(LAST_STAGE)
    for stage, gone in ((4, (5,)), (1, (2, 3, 4))):
        ladder.stack, changes = up.deploy(stage, TEST_CLOUD)
        added_since = sum(ladder.steps[later].added for later in gone)
        changed_since = sum(ladder.steps[later].changed for later in gone)
        assert changes == Changes(changed=changed_since, destroyed=added_since), stage


UP_1 = ["up", "--stage", "1"]


def test_a_local_cloud_killed_in_mid_burst_says_what_is_lost(ladder):
    """It keeps nothing on disk, and says so: no verb pretends, and the same command converges."""
    stack = ladder.reach(1)
    running = up.local_cloud(TEST_CLOUD).running()
    with ThreadPoolExecutor(8) as threads:
        orders = [threads.submit(_place, stack) for _ in range(200)]
        eventually(lambda: sum(order.done() for order in orders) > 20)
        os.kill(running.pid, signal.SIGKILL)
    assert any(order.exception() for order in orders), "it was not in mid-burst"
    for verb in (["status"], ["follow"], ["dlq"], ["redrive"], ["reconcile"], UP_1):
        told = subprocess.run(
            [sys.executable, "-m", "workshop", *verb],
            cwd=ROOT,
            env=os.environ | {CLOUD_VARIABLE: TEST_CLOUD},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "with all its orders, events and dead letters" in told.stderr, verb
    ladder.stack = current(TEST_CLOUD)
    assert up.local_cloud(TEST_CLOUD).running().boot_id != running.boot_id
    assert ladder.stack.client("dynamodb").scan(TableName=_orders(ladder.stack))["Count"] == 0


def _place(stack):
    return ordering.place_order(stack, ordering.order_request({"MOUSE": 1}))


def _orders(stack):
    return stack.outputs.table_names["orders"]
