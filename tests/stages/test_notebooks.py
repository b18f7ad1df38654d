"""Each notebook on a stack that is built no further than its own stage."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.lab import files
from workshop.local_cloud.control import Control
from workshop.suite import TEST_CLOUDS

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get(CLOUD_VARIABLE) != TEST_CLOUDS[0], reason="steps through the stages itself"
    ),
]

CELL_SECONDS = 120


def notebook_of(stage):
    return next(path for path in files.paths() if path.stem.startswith(f"{stage:02d}-"))


def run(path, *, cells=None):
    """Run a notebook, or its first code cells; return the errors that a reader would see."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = code[:cells]
    client = NotebookClient(notebook, allow_errors=True, timeout=CELL_SECONDS)
    client.execute(env=os.environ | {CLOUD_VARIABLE: TEST_CLOUDS[0]}, cwd=str(path.parent))
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    return ["\n".join(each.traceback) for each in outputs if each.output_type == "error"]


def everything(stack):
    """What a stack holds, as far as a notebook could have changed it, when nothing is under way."""
    assert Control(stack.target.endpoint_url, timeout=60).wait_idle(60)
    dynamodb, events, sqs = (stack.client(name) for name in ("dynamodb", "events", "sqs"))
    bus = {"EventBusName": stack.outputs.event_bus_name}
    rows = {
        key: sorted(map(str, dynamodb.scan(TableName=name, ConsistentRead=True)["Items"]))
        for key, name in stack.outputs.table_names.items()
    }
    rules = {rule["Name"]: rule["State"] for rule in events.list_rules(**bus)["Rules"]}
    targets = {rule: events.list_targets_by_rule(Rule=rule, **bus)["Targets"] for rule in rules}
    configurations = {
        key: stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"]
        for key, name in stack.outputs.function_names.items()
    }
    permissions = {
        key: stack.client("lambda").get_policy(FunctionName=name)["Policy"]
        for key, name in stack.outputs.function_names.items()
        if key in rules or any(name in rule for rule in rules)
    }
    return rows, rules, targets, sqs.list_queues().get("QueueUrls", []), configurations, permissions


@pytest.mark.parametrize("on_stage", [1, 2, 3, 4, 5])
def test_it_runs_on_its_own_stage_and_leaves_it_as_it_was(ladder, on_stage):
    """A learner who has come to this stage can run every cell; rows, rules, queues stay."""
    stack = ladder.reach(on_stage)
    assert stack.stage == on_stage
    before = everything(stack)
    assert run(notebook_of(on_stage)) == []
    assert everything(stack) == before


@pytest.mark.parametrize("on_stage", [2])
def test_opened_too_early_it_names_the_command(ladder, on_stage):
    """Notebook 04 on stage 2: one sentence instead of a table that is not there."""
    stack = ladder.reach(on_stage)
    assert run(notebook_of(4), cells=1) == [
        "This notebook needs stage 4, and the stack is at stage 2. In a terminal: make up STAGE=4"
    ]
    assert stack.stage == 2
