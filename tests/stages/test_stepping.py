"""Stage by stage: going up only adds, going down only removes, and again changes nothing."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest

from local_cloud.control import Control
from tests.fixtures.deployed import LAST_STAGE, TEST_CLOUD, eventually
from workshop.deployment.local import up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.deployment.terraform.runner import Changes
from workshop.errors import WorkshopError
from workshop.orders import api_client, cleanup, journey
from workshop.paths import ROOT

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get("WORKSHOP_CLOUD") != TEST_CLOUD, reason="steps through the stages itself"
    ),
]


TARGETS = len(list(ROOT.glob("0[1-4]-*/terraform/patterns/*.json")))
WHO_INVOKES = TARGETS + len(["the API", "the schedule", "its role", "the redrive", "its role"])
ORDER_EVERY_SECONDS = 0.1

CHANGED_BY = {5: TARGETS, 6: WHO_INVOKES}
"""Stage → resources of earlier stages it changes: stage 5 gives each rule's target its queue,
stage 6 turns all who invoke a function to its alias.
"""


def test_going_up_only_adds(ladder):
    """Every stage's plan on the one before adds, and destroys nothing; all but the last two's
    change nothing either. The last one's loses no event of an order under way.
    """
    ladder.reach(LAST_STAGE - 1)
    with _orders_under_way(ladder.stack):
        ladder.reach(LAST_STAGE)
    for stage, changes in ladder.steps.items():
        assert changes.added > 0, stage
        assert (changes.changed, changes.destroyed) == (CHANGED_BY.get(stage, 0), 0), stage


def test_down_and_up_continue_with_the_same_stack(ladder):
    """The order is there, Terraform has nothing to change, and a new order is processed."""
    stack = ladder.reach(LAST_STAGE)
    api_client.set_stock(stack, {"MOUSE": 2})
    order_id = _place(stack)["order_id"]
    assert journey.wait_until_still(stack, order_id) == "SHIPMENT_PREPARED"
    rows, hops = journey.rows(stack, order_id), journey.hops(stack, order_id)

    assert up.down(TEST_CLOUD) == up.Down(was_running=True, stage=LAST_STAGE)
    with pytest.raises(WorkshopError, match="The stack is stopped"):
        current(TEST_CLOUD)
    again, changes = up.deploy(stack.stage, TEST_CLOUD)

    assert (again, changes) == (stack, Changes())
    assert journey.rows(stack, order_id) == rows
    assert journey.hops(stack, order_id) == hops
    another = _place(stack)["order_id"]
    assert journey.wait_until_still(stack, another) == "SHIPMENT_PREPARED"
    cleanup.forget(stack, [order_id, another])


def test_going_down_only_removes(ladder):
    """Stepping down, by one stage and by three, destroys what was added since, and nothing else.
    An alias goes when nobody asks for it any more: no event of an order under way is lost.
    """
    stack = ladder.reach(LAST_STAGE)
    for stage, gone in ((5, (6,)), (4, (5,)), (1, (2, 3, 4))):
        with _orders_under_way(stack) if stage == LAST_STAGE - 1 else nullcontext():
            ladder.stack, changes = up.deploy(stage, TEST_CLOUD)
        added_since = sum(ladder.steps[later].added for later in gone)
        changed_since = sum(ladder.steps[later].changed for later in gone)
        assert changes == Changes(changed=changed_since, destroyed=added_since), stage


@contextmanager
def _orders_under_way(stack) -> Iterator[None]:
    """Place an order after the other meanwhile; all of them have to be shipped, without help."""
    over = threading.Event()
    api_client.set_stock(stack, {"MOUSE": 10_000})

    def place_all():
        placed = []
        while not over.wait(ORDER_EVERY_SECONDS):
            placed.append(_place(stack)["order_id"])
        return placed

    with ThreadPoolExecutor(1) as threads:
        placing = threads.submit(place_all)
        try:
            yield
        finally:
            over.set()
        order_ids = placing.result()
    assert order_ids
    assert Control(stack.target.endpoint_url, timeout=300).wait_idle(300)
    found = Counter(journey.statuses(stack, order_ids).values())
    assert found == {"SHIPMENT_PREPARED": len(order_ids)}
    cleanup.forget(stack, order_ids)


UP_1 = ["up", "--stage", "1"]


def test_a_local_cloud_killed_in_mid_burst_says_what_is_lost(ladder):
    """What it held was in memory: every command says so, and the same command converges."""
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
    return api_client.place_order(stack, api_client.order_request({"MOUSE": 1}))


def _orders(stack):
    return stack.outputs.table_names["orders"]
