"""A fifth service: its folder and seven files outside it, on a copy of the repository.

docs/extending.md explains the steps, and quotes the files in `fifth_service`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from devtools.documents.fifth_service import FOLDER, SERVICE, edited_files
from devtools.documents.pages import tracked
from devtools.documents.running import working_copy
from tests.fixtures.deployed import EXTENSION_CLOUD, TEST_CLOUD, eventually
from workshop.deployment.local import up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.deployment.terraform.runner import Changes
from workshop.exercises.catalogue import find
from workshop.orders import api_client
from workshop.paths import CLOUDS, LAST_STAGE, ROOT
from workshop.recovery import dead_letters

MOST_EDITS = 7
KILLS = 3
"""How often Lambda tries an event."""

BOARD_PAGE = """
from tests.board.fakes import Client, FakeSource
from tests.board.test_flow import stack_of
from workshop.board import stack_counts
from workshop.paths import LAST_STAGE

stack_counts.read = lambda stack: stack_counts.Counts({}, {})
with Client(FakeSource(stack_of(LAST_STAGE))) as client:
    print(client.part("/flow"))
"""
"""Prints the page of the board that shows the flow, without a stack."""


def copy_in(folder):
    """Copy the repository to a folder; `run` runs a program in the copy."""
    root = working_copy.make(folder / "orders")
    inherited = ("WORKSHOP_CONSISTENCY", "WORKSHOP_SECONDS_PER_MINUTE")
    settings = {name: os.environ[name] for name in inherited if name in os.environ}
    environment = working_copy.environment(EXTENSION_CLOUD) | settings

    def run(*command):
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    return SimpleNamespace(
        root=root,
        environment=environment,
        run=run,
        workshop=lambda *command: run(sys.executable, "-m", "workshop", *command),
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository with the fifth service."""
    copy = copy_in(tmp_path_factory.mktemp("extension"))
    for path in tracked(SERVICE):
        target = copy.root / path.relative_to(SERVICE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    patch = (copy.root / "edits.patch").rename(copy.root.parent / "edits.patch")
    copy.run("git", "apply", str(patch))
    copy.run("git", "add", "--all")
    return copy


def test_the_service_costs_at_most_seven_files_outside_its_folder(copy, capsys):
    changed = copy.run("git", "diff", "--cached", "--name-only").splitlines()
    outside = [name for name in changed if not name.startswith(f"{FOLDER}/")]
    with capsys.disabled():
        print(f"\nFiles outside {FOLDER}:", *outside, sep="\n  ")  # noqa: T201
    assert sorted(outside) == sorted(edited_files())
    assert len(outside) <= MOST_EDITS


def test_the_copys_own_tests_of_service_contract_and_documents_pass(copy):
    copy.run(sys.executable, "-m", "devtools", "docs")
    output = copy.run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *(f"{FOLDER}/tests", "tests/contract/test_contract.py", "tests/docs/test_events.py"),
    )
    assert re.search(r"^\d+ passed", output, re.MULTILINE)


def test_the_flow_picture_shows_the_service_as_new(copy):
    copy.run(sys.executable, "-m", "devtools", "docs")
    picture = (copy.root / FOLDER / "README.md").read_text("utf-8").splitlines()
    for line in (
        "  loyalty[loyalty]",
        '  bus -- "ShipmentPrepared" --> loyalty',
        '  loyalty -- "PointsAwarded" --> bus',
        "  loyalty --- table_points",
        "  class loyalty,table_points new",
    ):
        assert line in picture


def test_the_board_shows_the_service_in_its_picture_of_the_flow(copy):
    """Nobody edits the board for it."""
    page = copy.run(sys.executable, "-c", BOARD_PAGE)
    for text in (
        ">stage 7</tspan>",
        'aria-label="Events of loyalty"',
        ">points-awarded</text>",
        'id="queue-loyalty"',
        'id="table-points"',
    ):
        assert text in page, text


@pytest.fixture(scope="module")
def stack(copy):
    """The stack that the copy's own command line deploys, on a local cloud of its own."""
    if os.environ.get(CLOUD_VARIABLE) != TEST_CLOUD:
        pytest.skip("has a local cloud of its own")
    up.remove(EXTENSION_CLOUD)
    try:
        copy.workshop("up")
        made = current(EXTENSION_CLOUD)
        api_client.set_stock(made, {"MOUSE": 100})
        yield made
    finally:
        up.remove(EXTENSION_CLOUD)


def order(stack):
    request = api_client.order_request({"MOUSE": 2})
    return str(api_client.place_order(stack, request)["order_id"])


def points_of(stack, order_id):
    """Return the points that the service's table has for an order; None without an item."""
    name = stack.outputs.table_names["points"]
    key = {"order_id": {"S": order_id}}
    found = stack.client("dynamodb").get_item(TableName=name, Key=key, ConsistentRead=True)
    return found["Item"]["points"]["N"] if "Item" in found else None


@pytest.mark.deployed
def test_an_order_is_followed_to_its_points(copy, stack):
    order_id = order(stack)
    journey = copy.workshop("follow", order_id)
    assert re.search(r"loyalty +published +points-awarded", journey)
    assert re.search(r"order-tracker +tracked +points-awarded \(no change\)", journey)
    assert re.search(r"^points +points=58, awarded_at=", journey, re.MULTILINE)
    assert points_of(stack, order_id) == "58"


@pytest.mark.deployed
def test_the_service_has_both_queues_and_every_alarm(stack):
    assert set(stack.outputs.dead_letter_queue_urls["loyalty"]) == {"failed", "undelivered"}

    def alarms(key):
        prefix = f"orderflow-{key}-"
        pages = stack.client("cloudwatch").get_paginator("describe_alarms")
        found = pages.paginate(AlarmNamePrefix=prefix).search("MetricAlarms[].AlarmName")
        return {name.removeprefix(prefix) for name in found}

    eventually(lambda: alarms("shipping"))
    assert alarms("loyalty") == alarms("shipping")


@pytest.mark.deployed
def test_a_failed_event_is_redriven_to_the_service(copy, stack):
    copy.workshop("faults", "--kill", "loyalty", "--times", str(KILLS))
    order_id = order(stack)
    failed = dead_letters.Filter(order_id=order_id)

    def waiting():
        return dead_letters.look(dead_letters.of(stack).queues, failed)

    eventually(waiting)
    assert [(each.consumer, each.queue) for each in waiting()] == [("loyalty", "failed")]
    copy.workshop("faults", "--clear")
    assert "loyalty" in copy.workshop("redrive", "--order", order_id)
    journey = copy.workshop("follow", order_id)
    assert re.search(r"loyalty +published again +points-awarded", journey)
    assert waiting() == []


@pytest.mark.deployed
def test_the_exercises_service_takes_the_place_of_the_example(stack, tmp_path_factory):
    """Exercise 04.3: its solution passes the check that places an order."""
    learner = copy_in(tmp_path_factory.mktemp("exercise"))
    learner.workshop("exercise", "04.3", "start")
    learner.workshop("exercise", "04.3", "solve")
    learner.workshop("up")
    check = find("04.3").check.relative_to(ROOT).as_posix()
    on_the_stack = f"{check}::test_service_works_on_the_stack"
    output = learner.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", on_the_stack
    )
    assert "1 passed" in output
    learner.workshop("exercise", "04.3", "reset")


@pytest.mark.deployed
def test_without_the_service_the_stack_is_what_it_was(stack):
    """The original repository removes the service's resources, and no others."""
    before = resources()
    own = {each for each in before if re.search(r"\binvoices?\b", each)}
    assert len(own) > 20

    _, changes = up.deploy(LAST_STAGE, EXTENSION_CLOUD)
    assert (changes.added, changes.destroyed) == (0, len(own))
    assert resources() == before - own
    _, changes = up.deploy(LAST_STAGE, EXTENSION_CLOUD)
    assert changes == Changes()


def resources():
    """Return the addresses of all resources in the stack's Terraform state."""
    state = json.loads((CLOUDS / EXTENSION_CLOUD / "terraform.tfstate").read_text("utf-8"))
    return {
        f"{each.get('module', '')}.{each['type']}.{each['name']}[{part.get('index_key', '')}]"
        for each in state["resources"]
        if each["mode"] == "managed"
        for part in each["instances"]
    }
