"""Stage by stage: going up only adds, going down only removes, and again changes nothing."""

import os
import signal

import pytest

from tests.fixtures.deployed import TEST_CLOUD
from workshop.deployment import up
from workshop.deployment.terraform import Changes

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get("WORKSHOP_CLOUD") != TEST_CLOUD, reason="steps through the stages itself"
    ),
]


def test_going_up_only_adds(ladder):
    """Every stage's plan on the one before adds, and changes and destroys nothing."""
    ladder.reach(4)
    for stage, changes in ladder.steps.items():
        assert changes.added > 0, stage
        assert (changes.changed, changes.destroyed) == (0, 0), stage


def test_the_same_again_is_an_empty_plan(ladder):
    """A second apply with unchanged source does nothing."""
    stack = ladder.reach(4)
    _, changes = up.deploy(stack.stage, TEST_CLOUD)
    assert changes == Changes()


def test_going_down_only_removes(ladder):
    """Stepping down, by two stages and by one, destroys what was added since, and nothing else."""
    ladder.reach(4)
    for stage, gone in ((2, (3, 4)), (1, (2,))):
        ladder.stack, changes = up.deploy(stage, TEST_CLOUD)
        added_since = sum(ladder.steps[later].added for later in gone)
        assert changes == Changes(destroyed=added_since), stage


def test_a_killed_local_cloud_is_built_anew(ladder):
    """Killed, with a Terraform state left behind: the same command converges all the same."""
    ladder.reach(1)
    running = up.local_cloud(TEST_CLOUD).running()
    os.kill(running.pid, signal.SIGKILL)
    ladder.stack, changes = up.deploy(1, TEST_CLOUD)
    assert changes.added == ladder.steps[1].added
    assert up.local_cloud(TEST_CLOUD).running().boot_id != running.boot_id
