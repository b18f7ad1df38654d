"""Stage by stage: going up only adds, going down only removes, and again changes nothing."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from devtools.documents.running.page_blocks import parse
from local_cloud.control import Control
from orderflow import contract
from tests.fixtures.command_lines import commands
from tests.fixtures.deployed import LAST_STAGE, TEST_CLOUD, eventually, new_id
from tests.fixtures.events import example, of_skus
from workshop.deployment import bundles
from workshop.deployment.local import up
from workshop.deployment.stack import CLOUD_VARIABLE, Record, current
from workshop.deployment.stack_parts import held_messages
from workshop.deployment.terraform.runner import Changes
from workshop.errors import UsageError, WorkshopError
from workshop.journeys import following, logs, order_rows
from workshop.journeys.waterfall import Kind
from workshop.orders import api_client, cleanup
from workshop.paths import ROOT, SERVICE_STAGES, in_stages

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get("WORKSHOP_CLOUD") != TEST_CLOUD, reason="steps through the stages itself"
    ),
]


TARGETS = len(in_stages("terraform/patterns/*.json", SERVICE_STAGES))
WHO_INVOKES = TARGETS + len(["the API", "the schedule", "its role", "the redrive", "its role"])
ORDER_EVERY_SECONDS = 0.2

CHANGED_BY = {5: TARGETS, 6: WHO_INVOKES}
"""Stage → resources of earlier stages it changes: stage 5 gives each rule's target its queue,
stage 6 turns all who invoke a function to its alias.
"""


def test_going_up_only_adds(staged_stack):
    """Every stage's plan on the one before adds, and destroys nothing; all but the last two's
    change nothing either. The last one's loses no event of an order under way.
    """
    staged_stack.deploy_stage(LAST_STAGE - 1)
    with _orders_under_way(staged_stack.stack):
        staged_stack.deploy_stage(LAST_STAGE)
    for stage, changes in staged_stack.steps.items():
        assert changes.added > 0, stage
        assert (changes.changed, changes.destroyed) == (CHANGED_BY.get(stage, 0), 0), stage


def test_down_and_up_continue_with_the_same_stack(staged_stack):
    """The order is there, Terraform has nothing to change, and a new order is processed."""
    stack = staged_stack.deploy_stage(LAST_STAGE)
    api_client.set_stock(stack, {"MOUSE": 2})
    order_id = _place(stack)["order_id"]
    assert following.wait_until_settled(stack, order_id) == "SHIPMENT_PREPARED"
    rows, hops = order_rows.rows(stack, order_id), logs.hops(stack, order_id)
    since = Record.load(stack.target.directory).since

    assert up.down(TEST_CLOUD) == up.Down(was_running=True, stage=LAST_STAGE)
    with pytest.raises(WorkshopError, match="The stack is stopped"):
        current(TEST_CLOUD)
    again, changes = up.deploy(stack.stage, TEST_CLOUD)

    assert (again, changes) == (stack, Changes())
    assert Record.load(stack.target.directory).since == since, "it came from no other stage"
    assert list(since.values())[-1] == since[str(LAST_STAGE)]
    assert order_rows.rows(stack, order_id) == rows
    after = logs.hops(stack, order_id)
    assert [hop for hop in hops if hop not in after] == []
    another = _place(stack)["order_id"]
    assert following.wait_until_settled(stack, another) == "SHIPMENT_PREPARED"
    cleanup.delete_orders(stack, [order_id, another])


def test_a_buffer_comes_and_goes_without_losing_an_event(staged_stack):
    """A buffer keeps what its function cannot process, one message at a time, and a redrive
    recovers it. It is not removed while it holds something. The commands are those of its page.
    """
    plain = staged_stack.deploy_stage(LAST_STAGE)
    with _orders_under_way(plain):
        staged_stack.stack, on = up.deploy(LAST_STAGE, TEST_CLOUD, buffered=["payment"])
    stack, control = staged_stack.stack, Control(plain.target.endpoint_url, timeout=300)
    assert on.added > 0
    assert on.destroyed == 0
    order_ids = [*_poisoned(stack, control), *_tried(stack, control)]

    staged_stack.stack, off = up.deploy(LAST_STAGE, TEST_CLOUD)
    assert (staged_stack.stack, off) == (plain, Changes(changed=on.changed, destroyed=on.added))
    for kind in ("failed", "undelivered"):
        for key in plain.outputs.dead_letter_queue_urls:
            _discarded(plain, kind, key)
    cleanup.delete_orders(plain, order_ids)


def _poisoned(stack, control):
    """Send ten events at once, one of them invalid; return the ids of their orders."""
    order_ids = [new_id("order") for _ in range(10)]
    poison, good = order_ids[0], order_ids[1:]
    entries = [_entry(stack, each) for each in order_ids]
    entries[0]["Detail"] = entries[0]["Detail"].replace('"order_id"', '"unknown"')
    assert stack.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
    assert control.wait_idle(300)
    assert set(order_rows.statuses(stack, good).values()) == {"SHIPMENT_PREPARED"}
    for each in good:
        assert "delivered" in (outcomes := _outcomes(control, stack, each))
        assert not {"failed", "dead-lettered"} & set(outcomes)
    outcomes = _outcomes(control, stack, poison)
    copies = outcomes.count("dead-lettered")  # the bus may deliver an event more than once
    assert copies >= 1
    assert outcomes.count("failed") == 5 * copies
    assert _discarded(stack, "unprocessed") == copies
    _discarded(stack, "failed", "order-tracker")  # it has no buffer, and got the poison, too
    return order_ids


def _tried(stack, control):
    """Run the commands of the buffer's page, and check what it says; return ids of orders."""
    slow, outage = _blocks("docs/buffer.md")
    again, *others = slow
    assert "0 added, 0 changed, 0 destroyed" in _typed(again)
    *_, placed, status = map(_typed, others)
    assert "The order is SHIPMENT_PREPARED." in placed
    assert re.search(r"^buffer payment +(empty|\d+ waiting)", status, re.MULTILINE)

    late = new_id("order")
    with _disabled_mapping(stack):
        stack.client("events").put_events(Entries=[_entry(stack, late)])
        buffer = stack.outputs.buffer_queue_urls["payment"]
        eventually(lambda: held_messages(stack.client("sqs"), buffer))
        assert "payment: queued or running." in _typed(f'make why ARGS="{late} payment"')
        assert re.search(r"buffer payment +[1-9]\d* waiting", _typed("make status"))
    assert following.wait_until_settled(stack, late) == "SHIPMENT_PREPARED"
    first = next(each for each in logs.waterfall(stack, late).runs if each.function == "payment")
    assert first.bars[0].kind is Kind.QUEUE

    down, order, listed, repaired, redriven = outage
    _typed(down)
    try:
        failed = re.search(r"ord_\w+", _typed(order, code=1))[0]
        outcomes = _outcomes(control, stack, failed)
        assert outcomes.count("failed") == 5 * outcomes.count("dead-lettered") > 0
        assert "MaxReceiveCount" in _typed(listed)
        assert "GatewayUnavailableError" in _typed(f'make logs ARGS="payment --order {failed}"')
        with pytest.raises(UsageError, match=r"[1-9]\d* dead letters"):
            up.deploy(LAST_STAGE, TEST_CLOUD)
    finally:
        _typed(repaired)
    assert re.search(r"^[1-9]\d* redriven, 0 failed again", _typed(redriven), re.MULTILINE)
    assert following.wait_until_settled(stack, failed) == "SHIPMENT_PREPARED"
    return [late, failed, re.search(r"ord_\w+", placed)[0]]


def _blocks(page):
    """Return the lines of each block of a page that a test of this file runs."""
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = parse((ROOT / page).read_text("utf-8"), page)
    return [each.text.splitlines() for each in found if each.markers.get("run by") == own]


def _typed(line, *, code=0):
    """Run a command of a page; return its output."""
    ((command, _, words),) = commands(line)
    done = _workshop(command, *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _workshop(*words):
    return subprocess.run(
        [sys.executable, "-m", "workshop", *words],
        cwd=ROOT,
        env=os.environ | {CLOUD_VARIABLE: TEST_CLOUD},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _disabled_mapping(stack) -> Iterator[None]:
    """Let the only mapping receive nothing meanwhile."""
    client = stack.client("lambda")
    (mapping,) = client.list_event_source_mappings()["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def _entry(stack, order_id):
    event = of_skus(example("OrderCreated", order_id=order_id), {"MOUSE": 1})
    return {
        "EventBusName": stack.outputs.event_bus_name,
        "Source": contract.source(event.type),
        "DetailType": event.type,
        "Detail": event.to_json(),
    }


def _outcomes(control, stack, order_id):
    """Return the outcomes of an order's deliveries to payment, oldest first."""
    name = stack.outputs.function_names["payment"]
    return [str(each.outcome) for each in control.deliveries(order_id) if each.function == name]


def _discarded(stack, kind, key="payment"):
    """Delete the messages of a dead-letter queue; return how many there were."""
    sqs, url = stack.client("sqs"), stack.outputs.dead_letter_queue_urls[key][kind]
    count = held_messages(sqs, url)
    sqs.purge_queue(QueueUrl=url)
    return count


def test_going_down_only_removes(staged_stack, tmp_path):
    """Stepping down, by one stage and by three, destroys what was added since, and nothing else.
    An alias goes when nobody asks for it any more: no event of an order under way is lost.
    Code that was deployed without Terraform is replaced as well: it is not in Terraform's state.
    """
    stack = staged_stack.deploy_stage(LAST_STAGE)
    for stage, gone in ((5, (6,)), (4, (5,)), (1, (2, 3, 4))):
        if stage == 4:
            up.deploy(5, TEST_CLOUD, build=lambda: _other_code(tmp_path))
            assert _code(stack, "shipping") == _hash("shipping_service", _other_code(tmp_path))
        with _orders_under_way(stack) if stage == LAST_STAGE - 1 else nullcontext():
            staged_stack.stack, changes = up.deploy(stage, TEST_CLOUD)
        added_since = sum(staged_stack.steps[later].added for later in gone)
        changed_since = sum(staged_stack.steps[later].changed for later in gone)
        assert changes == Changes(changed=changed_since, destroyed=added_since), stage
        if stage == 4:
            assert _code(stack, "shipping") == _hash("shipping_service", bundles.build())


def _other_code(folder):
    """Return the bundles as a learner changes them: the code that shipping runs differs."""
    made = []
    for each in bundles.build():
        path = shutil.copy(each.path, folder / each.path.name)
        with zipfile.ZipFile(path, "a") as zipped:
            zipped.comment = b"changed"
        made.append(replace(each, path=path))
    return made


def _code(stack, key):
    name = stack.outputs.function_names[key]
    return stack.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]


def _hash(package, made):
    return up.lambda_hash(next(each.path for each in made if each.package == package))


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
    found = Counter(order_rows.statuses(stack, order_ids).values())
    assert found == {"SHIPMENT_PREPARED": len(order_ids)}
    cleanup.delete_orders(stack, order_ids)


UP_1 = ["up", "--stage", "1"]


def test_a_local_cloud_killed_in_mid_burst_says_what_is_lost(staged_stack):
    """What it held was in memory: every command says so, and the same command converges."""
    stack = staged_stack.deploy_stage(1)
    running = up.local_cloud(TEST_CLOUD).running()
    with ThreadPoolExecutor(8) as threads:
        orders = [threads.submit(_place, stack) for _ in range(200)]
        eventually(lambda: sum(order.done() for order in orders) > 20)
        os.kill(running.pid, signal.SIGKILL)
    assert any(order.exception() for order in orders), "it was not in mid-burst"
    for command in (["status"], ["follow"], ["dlq"], ["redrive"], ["reconcile"], UP_1):
        result = _workshop(*command)
        assert "with all its orders, events and dead letters" in result.stderr, command
    staged_stack.stack = current(TEST_CLOUD)
    assert up.local_cloud(TEST_CLOUD).running().boot_id != running.boot_id
    assert (
        staged_stack.stack.client("dynamodb").scan(TableName=_orders(staged_stack.stack))["Count"]
        == 0
    )


def _place(stack):
    """Place an order; on a busy machine the service may fail, so repeat it with the same key."""
    placed, key = [], new_id("key")

    def is_placed():
        with suppress(api_client.OrderFailedError):
            placed.append(
                api_client.place_order(stack, api_client.order_request({"MOUSE": 1}), key=key)
            )
        return placed

    eventually(is_placed)
    return placed[0]


def _orders(stack):
    return stack.outputs.table_names["orders"]
