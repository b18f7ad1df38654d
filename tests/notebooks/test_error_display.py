"""Tests of the sentence that a notebook shows when its stack is gone or has changed."""

import os
from urllib.error import URLError

import nbformat
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from nbclient import NotebookClient

from workshop.deployment.stack import CLOUD_VARIABLE, Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.notebooks import error_display
from workshop.notebooks.connecting import require

GONE = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutItem")


def stack(stage=5, api="http://127.0.0.1:1/one"):
    outputs = Outputs(api, "bus", "us-east-1", {}, {}, {})
    return Stack(Target.local("some", "http://127.0.0.1:1"), stage, outputs)


@pytest.fixture
def now(monkeypatch):
    """Set the running stack, or the error that says there is none."""

    def be(found):
        def current(_name):
            if isinstance(found, WorkshopError):
                raise found
            return found

        monkeypatch.setattr(error_display, "current", current)

    return be


def test_error_names_the_command_when_the_stage_is_too_low():
    with pytest.raises(WorkshopError, match=r"needs stage 4\. .* at stage 2\. .*make up STAGE=4$"):
        require(stack(2), 4)
    require(stack(4), 4)


def test_error_names_deploy_on_aws():
    there = Stack(Target("aws-1-r", "r", "1", None, own=False), 2, stack().outputs)
    with pytest.raises(WorkshopError, match=r"make deploy STAGE=4$"):
        require(there, 4)


def test_workshop_error_is_shown_unchanged():
    assert (
        error_display.explanation(WorkshopError("There is no order."), None, 1)
        == "There is no order."
    )


@pytest.mark.parametrize("error", [GONE, REFUSED, URLError("refused")])
def test_removed_stack_is_explained_whatever_call_fails(now, error):
    now(WorkshopError("No stack is up. Start one with: make up"))
    text = error_display.explanation(error, stack(), 1)
    assert text == f"No stack is up. Start one with: make up\n{error_display.AGAIN}"


def test_lower_stage_is_explained(now):
    now(stack(stage=2))
    text = error_display.explanation(REFUSED, stack(), 4)
    assert text.startswith("The stack is now at stage 2. This notebook needs stage 4.")


def test_recreated_stack_is_explained(now):
    now(stack(api="http://127.0.0.1:1/another"))
    text = error_display.explanation(GONE, stack(), 1)
    assert (
        text == f"The stack is not the one that this notebook connected to.\n{error_display.AGAIN}"
    )


def test_error_of_the_cell_keeps_its_traceback(now):
    """The stack has not changed, so the error is in the cell."""
    now(stack())
    assert error_display.explanation(REFUSED, stack(), 1) is None


CONNECT = "from workshop.notebooks import connect\nconnect(stage=1, customer='notebook-none')"
ASK = """
import boto3
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.notebooks import error_display

gone = Target.local("no-such-cloud", "http://127.0.0.1:9")
error_display.show_explained_errors(Stack(gone, 5, Outputs("", "", "us-east-1", {}, {}, {})))
gone.client("sqs").list_queues()
"""
REFUSE = f"""
import botocore.exceptions
from workshop.notebooks import error_display
error_display.show_explained_errors(None)
raise botocore.exceptions.ClientError({REFUSED.response!r}, "PutItem")
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run cells in a real kernel, with no stack up, and return what their errors show."""
    cells = [nbformat.v4.new_code_cell(source) for source in (CONNECT, ASK, REFUSE, "1 / 0")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, allow_errors=True, timeout=420)
    client.execute(
        env=os.environ | {CLOUD_VARIABLE: "no-such-cloud"}, cwd=str(tmp_path_factory.mktemp("cwd"))
    )
    return ["\n".join(cell.outputs[-1]["traceback"]) for cell in notebook.cells]


def test_notebook_without_a_stack_shows_one_sentence(shown):
    """In a real kernel: no traceback, but the command to run."""
    assert shown[0] == "No stack is up. Start one with: make up"


def test_notebook_shows_one_sentence_when_its_stack_ends(shown):
    """boto3 alone shows a hundred lines about a refused connection."""
    assert shown[1] == f"No stack is up. Start one with: make up\n{error_display.AGAIN}"


def test_other_errors_keep_their_tracebacks(shown):
    assert "ClientError" in shown[2]
    assert "raise" in shown[2]
    assert "ZeroDivisionError" in shown[3]
