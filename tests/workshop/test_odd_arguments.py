"""Tests of every command with unexpected text: the error is a sentence, never a traceback."""

import itertools
import sys

import boto3
import pytest
import typer
from typer.testing import CliRunner

from devtools import cli as maintainers
from workshop import cli
from workshop.deployment.aws import account_stack
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.journeys import following
from workshop.launcher import load
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import SqsDeadLetterQueues
from workshop.stages import flow

PROGRAMS = {"workshop": cli.app, "devtools": maintainers.app}

HIDDEN = {"\x1b", "\x00", "\u202e", "\udcff"}
"""Control characters, a character that hides text, and a byte that is not UTF-8."""

ODD = [
    *("", " ", "ключ", "👩\u200d👩\u200d👧", "a\nb", *sorted(HIDDEN)),
    *("[/]", "{0} %s", "'\"`$(date)", '" ?ERROR *', "../../etc/passwd", "reservation#ord_1"),
    *("x" * 999, "x" * 5000, "1" * 41, "9" * 5000, "NaN", "1e999"),
]

ANSWERED = (*EXPECTED, typer.TyperException, SystemExit)
"""The errors of commands that explain a problem."""


def places():
    """Return by command where a user types values: [] for arguments, or an option's name."""
    found = {}
    for program, app in PROGRAMS.items():
        for name, command in typer.main.get_command(app).commands.items():
            for each in command.params:
                if not getattr(each, "is_flag", False) and type(each.type).__name__ != "TyperPath":
                    option = [each.opts[0]] if each.param_type_name == "option" else []
                    found.setdefault((program, name), []).append(option)
    return found


def without_waiting(*arguments, **options):
    return SqsDeadLetterQueues(*arguments, **options | {"wait_seconds": 0})


@pytest.fixture
def stack(aws, make_table, monkeypatch, tmp_path):
    """A stack in a fake account; commands that would deploy raise an error instead."""
    tables = {key: make_table(key) for key in flow().tables}
    sqs = boto3.client("sqs")
    urls = {
        kind: sqs.create_queue(QueueName=f"payment-{kind}")["QueueUrl"]
        for kind in ("failed", "undelivered")
    }
    functions = {"payment": "orderflow-payment", "reconciler": "orderflow-reconciler"}
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/orderflow-payment")
    outputs = Outputs(
        "http://127.0.0.1:9", "bus", "us-east-1", functions, tables, {"payment": urls}
    )
    target = Target("aws-123456789012-us-east-1", "us-east-1", "123456789012", None, own=False)
    made = Stack(target, 5, outputs)

    def stop(*_, **__):
        raise WorkshopError("It would start here.")

    for program, app in PROGRAMS.items():
        commands = typer.main.get_command(app).commands
        for name in commands:
            module = sys.modules[load(program, commands._modules[name]).__name__]
            if hasattr(module, "current"):
                monkeypatch.setattr(module, "current", lambda: made)
            for work in ("bring_up", "start_empty", "up"):
                if hasattr(module, work) and not isinstance(getattr(module, work), typer.Typer):
                    monkeypatch.setattr(module, work, stop)

    monkeypatch.setattr(following, "APPEARS_SECONDS", 0)
    monkeypatch.setattr(dead_letters, "SqsDeadLetterQueues", without_waiting)

    def target_of(prefix):
        account_stack.check_prefix(prefix)
        stop()

    monkeypatch.setattr(account_stack, "target", target_of)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return made


@pytest.mark.parametrize(("program", "name"), list(places()))
def test_unexpected_text_gets_an_error_in_a_sentence(stack, program, name):
    for option, value in itertools.product(places()[program, name], ODD):
        for text in (value,) if option else (value, f"MOUSE={value}", f"{value}=1"):
            result = CliRunner().invoke(
                PROGRAMS[program], [name, *option, text], standalone_mode=False
            )
            error = result.exception
            assert error is None or isinstance(error, ANSWERED), f"{option} {text!a}: {error!r}"
            output = (
                error.format_message() if isinstance(error, typer.TyperException) else str(error)
            )
            assert not HIDDEN & set(output), ascii(output)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["order", "--key", value] for value in ("ключ", "", "x" * 129)),
        *(["follow", value] for value in ("x" * 65, "reservation#ord_1", "ключ", " ")),
        *(["stock", f"MOUSE={value}"] for value in ("1" * 41, "9" * 999)),
        *([name, "--order", '" ?x'] for name in ("logs", "dlq", "redrive", "reconcile")),
        *([name, "x" * 5000] for name in ("follow", "dlq", "exercise")),
        *(["order", "--customer", value] for value in sorted(HIDDEN)),
    ],
    ids=ascii,
)
def test_text_that_aws_would_refuse_is_a_usage_error(arguments):
    """Exit code 2: no request was sent."""
    result = CliRunner().invoke(PROGRAMS["workshop"], arguments, standalone_mode=False)
    assert isinstance(result.exception, UsageError), result.exception
