"""Each notebook on a stack that is built no further than its own stage."""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from devtools.notebooks import files
from devtools.notebooks.stack_snapshot import traces
from devtools.test_runner import TEST_CLOUDS
from local_cloud.control import Control
from tests.fixtures.deployed import eventually_equal
from workshop.deployment.stack import CLOUD_VARIABLE

pytestmark = [
    pytest.mark.deployed,
    pytest.mark.skipif(
        os.environ.get(CLOUD_VARIABLE) != TEST_CLOUDS[0], reason="steps through the stages itself"
    ),
]

CELL_SECONDS = 420


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


def look(stack):
    """What the stack holds when nothing is under way."""
    assert Control(stack.target.endpoint_url, timeout=300).wait_idle(300)
    return traces(stack)


# Stage 4 lacks only the queues: its notebook, the longest, runs on the whole system alone.
@pytest.mark.parametrize("on_stage", [1, 2, 3])
def test_it_runs_on_its_own_stage_and_leaves_it_as_it_was(staged_stack, on_stage):
    """A learner who has come to this stage can run every cell; rows, rules, queues stay."""
    stack = staged_stack.deploy_stage(on_stage)
    assert stack.stage == on_stage
    before = look(stack)
    assert run(notebook_of(on_stage)) == []
    eventually_equal(lambda: look(stack).differences(before), [])  # lists are late


@pytest.mark.parametrize("on_stage", [2])
def test_opened_too_early_it_names_the_command(staged_stack, on_stage):
    """Notebook 04 on stage 2: one sentence instead of a table that is not there."""
    stack = staged_stack.deploy_stage(on_stage)
    assert run(notebook_of(4), cells=1) == [
        "This notebook needs stage 4. The stack is at stage 2. In a terminal: make up STAGE=4"
    ]
    assert stack.stage == 2
