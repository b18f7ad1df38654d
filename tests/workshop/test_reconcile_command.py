"""Tests of the command `reconcile`: its request, and the report of the response."""

import io
import json
import re
from datetime import UTC, datetime

import pytest
from recovery.reconcile import settings
from recovery.reconcile.service import Result
from rich.console import Console
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import recovery as commands
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.paths import ROOT
from workshop.recovery import reconcile

NOTHING = {
    "stuck": 0,
    "republished": 0,
    "left_over": 0,
    "without_event": 0,
    "failed": 0,
    "orders": [],
}
ORDERS = [
    {
        "order_id": f"ord_{number:032}",
        "status": status,
        "placed_at": f"2026-01-01T10:0{minute}:00.000Z",
        "result": result,
    }
    for number, status, minute, result in (
        (1, "PAID", 5, "republished"),
        (2, "PAYMENT_DECLINED", 0, "republished"),
        (3, "", 2, "left_over"),
        (4, "CREATED", 3, "failed"),
    )
]
NOW = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)


class FakeLambda:
    """Responds to one invocation."""

    def __init__(self):
        self.response = NOTHING
        self.error = None
        self.request = None

    def invoke(self, FunctionName, Payload):  # noqa: N803  (boto3's spelling)
        self.request = (FunctionName, json.loads(Payload))
        error = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.response).encode()), **error}


def _stack(functions, stage=5, live_alias=None):
    outputs = Outputs("", "bus", "us-east-1", functions, {}, {}, live_alias)
    return Stack(Target.local("default", "http://127.0.0.1:9"), stage, outputs)


@pytest.fixture
def reconciler(monkeypatch):
    made = FakeLambda()
    monkeypatch.setattr(Target, "patient_client", lambda *_: made)
    stack = _stack({"reconciler": "orderflow-reconciler"})
    monkeypatch.setattr(commands, "current", lambda: stack)
    return made


def run(*arguments):
    return CliRunner().invoke(app, ["reconcile", *arguments], standalone_mode=False)


def test_age_and_window_are_those_of_the_schedule(reconciler):
    run()
    assert reconciler.request == ("orderflow-reconciler", {"older_than_seconds": 900})
    text = (ROOT / "05-errors-dlq/terraform/recovery.tf").read_text("utf-8")
    assert re.findall(r'STUCK_AFTER_SECONDS\s*=\s*"(\d+)"', text) == ["900"]
    [minutes] = re.findall(r"run_every_minutes\s*=\s*(\d+)", text)
    assert settings.RUNS_IN_A_WINDOW * int(minutes) * 60 == reconcile.WINDOW


def test_alias_is_invoked_when_there_is_one(reconciler, monkeypatch):
    stack = _stack({"reconciler": "orderflow-reconciler"}, stage=6, live_alias="live")
    monkeypatch.setattr(commands, "current", lambda: stack)
    run()
    assert reconciler.request[0] == "orderflow-reconciler:live"


def test_greatest_age_is_that_of_the_function():
    assert reconcile.LONGEST == settings.LONGEST


def test_age_and_limit_are_options(reconciler):
    run("--older-than", "0", "--limit", "50")
    assert reconciler.request[1] == {"older_than_seconds": 0, "limit": 50}


def test_report_counts_each_result(reconciler):
    reconciler.response = {
        **NOTHING,
        "stuck": 6,
        "republished": 3,
        "left_over": 2,
        "without_event": 1,
    }
    done = run("--older-than", "60")
    assert [line.partition(":")[0].strip() for line in done.stdout.splitlines() if line] == [
        "6 open orders are older than 60 s",
        "order  status  age  result",
        "… and 6 more",
        "3 re-published; to see what happens to one",
        "2 not this time",
        "1 without an OrderCreated to publish",
    ]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_every_order_of_the_report_is_shown_the_oldest_first():
    report = reconcile.Report(**{**NOTHING, "stuck": 4, "orders": ORDERS})
    page = Console(width=100, file=io.StringIO())
    page.print(reconcile.table(report, NOW))
    assert [line.split()[:3] for line in page.file.getvalue().splitlines()[1:]] == [
        [ORDERS[1]["order_id"], "PAYMENT_DECLINED", "30m"],
        [ORDERS[2]["order_id"], "–", "28m"],
        [ORDERS[3]["order_id"], "CREATED", "27m"],
        [ORDERS[0]["order_id"], "PAID", "25m"],
    ]


def test_every_result_has_its_words():
    ended = {Result.NOT_DUE, Result.ENDED}  # a manual run reports no such order
    assert set(reconcile.RESULTS) == {str(each) for each in Result} - ended


def test_broken_timestamp_has_no_age():
    broken = {**ORDERS[0], "placed_at": "yesterday"}
    report = reconcile.Report(**{**NOTHING, "stuck": 1, "orders": [broken]})
    page = Console(width=100, file=io.StringIO())
    page.print(reconcile.table(report, NOW))
    assert page.file.getvalue().splitlines()[1].split()[2] == "?"


@pytest.mark.parametrize("missing", ["orders", "republished"])
def test_function_of_another_commit_is_named_with_the_command(reconciler, missing):
    """Deployed code may be older than the command."""
    reconciler.response = {name: each for name, each in NOTHING.items() if name != missing}
    with pytest.raises(WorkshopError, match=r"its report has another form: .*make up STAGE=5"):
        raise run().exception


def test_failed_order_is_counted(reconciler):
    reconciler.response = {**NOTHING, "stuck": 2, "republished": 1, "failed": 1}
    assert "1 could not be published: make logs ARGS=reconciler" in run().stdout


def test_hint_about_younger_orders_is_shown_when_none_is_stalled(reconciler):
    done = run()
    assert done.stdout == "No open order is older than 900 s.\n"
    assert 'make reconcile ARGS="--older-than 0"' in done.stderr
    assert run("--older-than", "0").stderr == ""


def test_failed_reconciler_is_an_error(reconciler):
    reconciler.error = "Unhandled"
    reconciler.response = {"errorType": "AwsRequestError", "errorMessage": "Query: Throttled"}
    assert str(run().exception) == (
        "The reconciler failed: AwsRequestError: Query: Throttled. "
        "Its log: make logs ARGS=reconciler"
    )


def test_error_before_stage_5_names_the_command():
    with pytest.raises(WorkshopError, match=r"comes with stage 5\. The stack is at stage 4"):
        reconcile.reconcile(_stack({}, stage=4), 0, 1)


@pytest.mark.parametrize("option", [["--older-than", "-1"], ["--limit", "0"], ["--limit", "many"]])
def test_invalid_option_is_a_usage_error(reconciler, option):
    assert run(*option).exception.exit_code == 2
    assert reconciler.request is None


def test_help_says_what_the_number_means(reconciler):
    text = re.sub("\x1b[^m]*m", "", run("--help").output)  # on GitHub it has colours
    assert "for orders older than 900 s" in " ".join(text.split())
