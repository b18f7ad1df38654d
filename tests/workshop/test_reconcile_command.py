"""The reconciler, run by hand: what is asked of it, and how its answer is told."""

import io
import json
import re

import pytest
from recovery.reconcile import settings
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import recovery as verbs
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.paths import ROOT
from workshop.recovery import reconcile

NOTHING = {"stuck": 0, "announced": 0, "left_over": 0, "without_event": 0, "failed": 0}


class FakeLambda:
    """Answers one invocation as it is told to."""

    def __init__(self):
        self.answer = NOTHING
        self.error = None
        self.asked = None

    def invoke(self, FunctionName, Payload):  # noqa: N803  (boto3's spelling)
        self.asked = (FunctionName, json.loads(Payload))
        error = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **error}


def _stack(functions, stage=5, live_alias=None):
    outputs = Outputs("", "bus", "us-east-1", functions, {}, {}, live_alias)
    return Stack(Target.local("default", "http://127.0.0.1:9"), stage, outputs)


@pytest.fixture
def reconciler(monkeypatch):
    made = FakeLambda()
    monkeypatch.setattr(Target, "patient_client", lambda *_: made)
    stack = _stack({"reconciler": "orderflow-reconciler"})
    monkeypatch.setattr(verbs, "current", lambda: stack)
    return made


def run(*arguments):
    return CliRunner().invoke(app, ["reconcile", *arguments], standalone_mode=False)


def test_by_itself_it_takes_what_is_older_than_the_schedule_does(reconciler):
    run()
    assert reconciler.asked == ("orderflow-reconciler", {"older_than_seconds": 900})
    text = (ROOT / "05-errors-dlq/terraform/recovery.tf").read_text("utf-8")
    assert re.findall(r'STUCK_AFTER_SECONDS\s*=\s*"(\d+)"', text) == ["900"]


def test_where_there_is_an_alias_it_is_asked(reconciler, monkeypatch):
    stack = _stack({"reconciler": "orderflow-reconciler"}, stage=6, live_alias="live")
    monkeypatch.setattr(verbs, "current", lambda: stack)
    run()
    assert reconciler.asked[0] == "orderflow-reconciler:live"


def test_the_greatest_age_is_the_functions_own():
    assert reconcile.LONGEST == settings.LONGEST


def test_age_and_number_can_be_given(reconciler):
    run("--older-than", "0", "--limit", "50")
    assert reconciler.asked[1] == {"older_than_seconds": 0, "limit": 50}


def test_what_it_did_is_told_in_words(reconciler):
    reconciler.answer = {**NOTHING, "stuck": 6, "announced": 3, "left_over": 2, "without_event": 1}
    done = run("--older-than", "60")
    assert [line.partition(":")[0].strip() for line in done.stdout.splitlines()] == [
        "6 orders stand still for more than 60 s",
        "3 announced again (which ones",
        "2 left over",
        "1 without an OrderCreated to announce",
    ]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_an_order_that_could_not_be_announced_is_counted(reconciler):
    reconciler.answer = {**NOTHING, "stuck": 2, "announced": 1, "failed": 1}
    assert "  1 could not be announced: make logs ARGS=reconciler" in run().stdout


def test_where_none_stands_still_the_younger_ones_are_pointed_out(reconciler):
    done = run()
    assert done.stdout == "No order that is older than 900 s stands still.\n"
    assert 'make reconcile ARGS="--older-than 0"' in done.stderr
    assert run("--older-than", "0").stderr == ""


def test_a_reconciler_that_failed_is_told_in_a_sentence(reconciler):
    reconciler.error = "Unhandled"
    reconciler.answer = {"errorType": "AwsRequestError", "errorMessage": "Query: Throttled"}
    assert str(run().exception) == (
        "The reconciler failed: AwsRequestError: Query: Throttled. "
        "Its log: make logs ARGS=reconciler"
    )


def test_before_stage_5_the_way_there_is_named():
    with pytest.raises(WorkshopError, match="comes with stage 5, and this is stage 4"):
        reconcile.reconcile(_stack({}, stage=4), 0, 1)


@pytest.mark.parametrize("option", [["--older-than", "-1"], ["--limit", "0"], ["--limit", "many"]])
def test_nonsense_is_misuse(reconciler, option):
    assert run(*option).exception.exit_code == 2
    assert reconciler.asked is None


def test_the_help_says_what_the_number_means(reconciler):
    told = re.sub("\x1b[^m]*m", "", run("--help").output)  # on GitHub it has colours
    assert "for orders older than 900 s" in " ".join(told.split())
