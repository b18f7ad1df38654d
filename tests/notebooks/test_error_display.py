"""What a notebook shows when its stack is not as it should be: a sentence."""

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
    """Say which stack is up now, or which error tells that there is none."""

    def be(found):
        def current(_name):
            if isinstance(found, WorkshopError):
                raise found
            return found

        monkeypatch.setattr(error_display, "current", current)

    return be


def test_a_stage_too_low_names_the_command():
    with pytest.raises(WorkshopError, match=r"needs stage 4, .* at stage 2\. .*make up STAGE=4$"):
        require(stack(2), 4)
    require(stack(4), 4)


def test_on_aws_the_command_is_another():
    there = Stack(Target("aws-1-r", "r", "1", None, own=False), 2, stack().outputs)
    with pytest.raises(WorkshopError, match=r"make deploy STAGE=4$"):
        require(there, 4)


def test_what_a_person_was_to_be_told_is_told_as_it_is():
    assert (
        error_display.explanation(WorkshopError("There is no order."), None, 1)
        == "There is no order."
    )


@pytest.mark.parametrize("error", [GONE, REFUSED, URLError("refused")])
def test_a_stack_that_is_gone_is_told(now, error):
    """Whatever call notices it first, and what to do about it."""
    now(WorkshopError("No stack is up. Start one with: make up"))
    told = error_display.explanation(error, stack(), 1)
    assert told == f"No stack is up. Start one with: make up\n{error_display.AGAIN}"


def test_a_stack_that_was_stepped_down_is_told(now):
    now(stack(stage=2))
    told = error_display.explanation(REFUSED, stack(), 4)
    assert told.startswith("The stack is at stage 2 now, and this notebook needs stage 4.")


def test_a_stack_that_was_started_anew_is_told(now):
    now(stack(api="http://127.0.0.1:1/another"))
    told = error_display.explanation(GONE, stack(), 1)
    assert (
        told == f"The stack is another one than this notebook connected to.\n{error_display.AGAIN}"
    )


def test_an_error_of_the_cell_itself_keeps_its_traceback(now):
    """The stack is as it was: the cell asked for something wrong, and the traceback tells where."""
    now(stack())
    assert error_display.explanation(REFUSED, stack(), 1) is None


CONNECT = "from workshop.notebooks import connect\nconnect(stage=1, customer='notebook-none')"
ASK = """
import boto3
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.notebooks import error_display

gone = Target.local("no-such-cloud", "http://127.0.0.1:9")
error_display.tell_in_sentences(Stack(gone, 5, Outputs("", "", "us-east-1", {}, {}, {})))
gone.client("sqs").list_queues()
"""
REFUSE = f"""
import botocore.exceptions
from workshop.notebooks import error_display
error_display.tell_in_sentences(None)
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


def test_without_a_stack_a_notebook_shows_one_sentence(shown):
    """In a real kernel, as JupyterLab would show it: no traceback, the command to run."""
    assert shown[0] == "No stack is up. Start one with: make up"


def test_a_stack_that_ends_in_the_middle_is_one_sentence_too(shown):
    """Where boto3 alone would show a hundred lines about a connection refused."""
    assert shown[1] == f"No stack is up. Start one with: make up\n{error_display.AGAIN}"


def test_other_errors_look_as_ever(shown):
    """A traceback names the line, for errors of AWS that nobody can explain and for all others."""
    assert "ClientError" in shown[2]
    assert "raise" in shown[2]
    assert "ZeroDivisionError" in shown[3]
