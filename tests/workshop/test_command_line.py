"""The command line as a person meets it."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from devtools import cli as maintainers
from workshop import cli, makefile, program
from workshop.commands import stack as stack_verbs
from workshop.deployment import stack
from workshop.deployment.stack import Outputs, Record, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError, in_one_line
from workshop.paths import ROOT

VERBS = set(typer.main.get_command(cli.app).commands)
MAINTAINERS = set(typer.main.get_command(maintainers.app).commands)


def run(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-m", "workshop", *arguments],
        cwd=ROOT,
        env={"PATH": "", "NO_COLOR": "1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["up", "--stage", "9"],
        ["up", "--stage", "two"],
        ["up", "--nonsense"],
        ["trouble", "--drop", "7"],
        ["env", "--shell", "klingon"],
        ["stock", "MOUSE"],
        ["gateway", "off"],
        ["redrive", "--rate", "0"],
        ["redrive", "all"],
        ["reconcile", "--older-than", "-1"],
    ],
)
def test_misuse_is_answered_in_one_sentence(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_verb_that_needs_a_stack_says_how_to_start_one():
    done = run("env", WORKSHOP_CLOUD="nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "No stack is up. Start one with: make up\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_shows_what_the_makefile_says_of_each_command(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    shown = dict(re.findall(r"^  ([a-z-]+) +(.+)$", done.stdout, re.MULTILINE))
    told = {name: about for each in makefile.groups().values() for name, about in each.items()}
    assert {name: shown.get(name) for name in VERBS} == {name: told[name] for name in VERBS}


def test_make_and_the_command_line_have_the_same_verbs():
    text = (ROOT / "Makefile").read_text("utf-8")
    rules = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    [phony] = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert rules - {"help", "help-dev"} == VERBS | MAINTAINERS
    assert not VERBS & MAINTAINERS
    assert set(re.findall(r"^([a-z-]+): ; \$\(DEV\)", text, re.MULTILINE)) == MAINTAINERS
    assert set(phony.split()) == rules


@pytest.mark.parametrize(("target", "shown"), [("help", VERBS), ("help-dev", MAINTAINERS)])
def test_make_help_shows_each_command_of_one_audience_in_groups(target, shown):
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")
    done = subprocess.run([make, target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.MULTILINE)) == shown
    assert len(re.findall(r"^[a-z].*[a-z]$", done.stdout, re.MULTILINE)) in {2, 3, 4}
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("stage", ["9", "0", "two", "-1"])
def test_a_stage_that_is_none_is_told_so(stage):
    with pytest.raises(WorkshopError, match=f"There is no stage {stage}: stages go from 1 to 6."):
        stack_verbs.stage_number(stage)


def _record(boot_id, *tables):
    outputs = {"table_names": dict.fromkeys(tables, ""), "dead_letter_queue_urls": {}}
    return Record("us-east-1", "0", "http://127.0.0.1:4999", boot_id, outputs=outputs)


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        (_record("a", "orders", "payments"), _record("a", "orders"), ["payments"]),
        (_record("a", "orders"), _record("a", "orders", "payments"), []),
        (_record("a", "orders", "payments"), _record("b", "orders"), []),
        (None, _record("a", "orders"), []),
    ],
)
def test_a_step_down_tells_which_tables_it_took(before, after, gone):
    assert stack_verbs._gone(before, after, "table_names") == gone


def test_a_step_down_tells_that_it_took_the_queues():
    before, after = _record("a", "orders"), _record("a", "orders")
    before.outputs["dead_letter_queue_urls"] = {"payment": {"failed": "http://f"}}
    assert stack_verbs._gone(before, after, "dead_letter_queue_urls") == ["payment"]
    assert stack_verbs._gone(after, before, "dead_letter_queue_urls") == []


@pytest.fixture
def running(monkeypatch):
    """A stack on a local cloud, as far as the verbs can see."""
    outputs = Outputs("http://127.0.0.1:4999/api", "bus", "us-east-1", {"payment": "p"}, {}, {})
    made = Stack(Target.local("default", "http://127.0.0.1:4999"), 2, outputs)
    for module in (stack_verbs, stack):
        monkeypatch.setattr(module, "current", lambda: made)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export AWS_ENDPOINT_URL='http://127.0.0.1:4999'"),
        ("fish", "set -gx AWS_ENDPOINT_URL 'http://127.0.0.1:4999'"),
        ("powershell", "$env:AWS_ENDPOINT_URL = 'http://127.0.0.1:4999'"),
    ],
)
def test_env_prints_exports_and_nothing_else(running, capsys, shell, line):
    stack_verbs.env(shell)
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert line in lines
    assert len(lines) == 7
    assert sum("API_ENDPOINT" in each for each in lines) == 1
    assert printed.err == ""


@pytest.mark.parametrize("proxy", ["", "a.example", "a.example,b.example"])
def test_what_env_exports_it_takes_back(running, capsys, monkeypatch, proxy):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    monkeypatch.setenv("NO_PROXY", proxy)
    exported = running.target.exports()
    for name, value in exported.items():
        monkeypatch.setenv(name, value)
    assert running.target.exports() == exported  # exporting twice adds nothing
    stack_verbs.env("sh", unset=True)
    lines = capsys.readouterr().out.splitlines()
    back = f"export NO_PROXY='{proxy}'" if proxy else "unset NO_PROXY"
    names = {*exported, "API_ENDPOINT"} - {"NO_PROXY"}
    assert set(lines) == {f"unset {name}" for name in names} | {back}


def test_env_takes_back_what_would_lead_elsewhere(running, capsys, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    stack_verbs.env("sh")
    assert capsys.readouterr().out.splitlines()[0] == "unset AWS_PROFILE"


def test_programs_started_for_the_local_cloud_know_no_other(running, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "https://elsewhere.example")
    environment = running.target.environment()
    assert "AWS_PROFILE" not in environment
    assert "AWS_ENDPOINT_URL_DYNAMODB" not in environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"


def test_a_function_of_a_later_stage_is_refused(running):
    with pytest.raises(WorkshopError, match="no function shipping at stage 2: payment"):
        stack.function_name(running, "shipping")


@pytest.mark.parametrize(
    ("stage", "tables", "commands"),
    [
        (2, ["orders"], "`make check STAGE=2`, `make order`, `make status`"),
        (
            3,
            ["orders", "inventory"],
            "`make check STAGE=3`, `make stock ARGS=MOUSE=10`, `make order`, `make status`",
        ),
    ],
)
def test_up_names_what_comes_next(running, stage, tables, commands):
    outputs = Outputs("", "bus", "us-east-1", {}, dict.fromkeys(tables, ""), {})
    assert stack_verbs._next(Stack(running.target, stage, outputs)) == commands


def test_broken_stage_code_fails_only_the_commands_that_use_it(monkeypatch, capsys, tmp_path):
    """A learner may be rewriting stage 5's redrive: its exercise can still be reset."""
    whole, broken = importlib.import_module, SyntaxError("invalid syntax")
    broken.filename, broken.lineno = str(ROOT / "05-errors-dlq/recovery/redrive/service.py"), 7

    def import_module(name):
        if name == "workshop.commands.recovery":
            raise broken
        return whole(name)

    monkeypatch.setattr(importlib, "import_module", import_module)
    monkeypatch.setattr(program, "STATE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["workshop", "dlq"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "An unexpected error occurred: 05-errors-dlq/recovery/redrive/service.py:7: "
        "SyntaxError: invalid syntax. Details: .workshop/error.log\n"
    )
    assert "SyntaxError" in (tmp_path / "error.log").read_text("utf-8")
    monkeypatch.setattr(sys, "argv", ["workshop", "exercise", "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0


@pytest.mark.parametrize(("line", "names"), [(cli, VERBS), (maintainers, MAINTAINERS)])
def test_the_table_names_each_command_of_each_module(line, names):
    """No command is missing on the command line, and each is found in the module that is named."""
    package = Path(line.__file__).parent
    modules = [
        importlib.import_module(f"{package.name}.commands.{path.stem}")
        for path in package.glob("commands/*.py")
    ]
    groups = [typer.main.get_group(each.app) for each in modules if hasattr(each, "app")]
    assert {name for group in groups for name in group.commands} == names
    commands = typer.main.get_command(line.app).commands
    assert all(commands[name].name == name for name in names)


def test_a_fault_is_placed_in_our_own_code():
    """Not in the library that raised it."""
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads("{")
    here = f"{Path(__file__).relative_to(ROOT).as_posix()}:"
    assert in_one_line(raised.value).startswith(here)
    assert in_one_line(ValueError("of nowhere")) == "ValueError: of nowhere"
