"""The command line as a person meets it."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from devtools import cli as maintainers
from workshop import cli, makefile, program
from workshop.commands import stack as stack_commands
from workshop.deployment import stack
from workshop.deployment.local import up as local_up
from workshop.deployment.local.up import Down
from workshop.deployment.stack import Outputs, Record, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError, in_one_line
from workshop.paths import LAST_STAGE, ROOT
from workshop.stages import flow

COMMANDS = set(typer.main.get_command(cli.app).commands)
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
        ["faults", "--drop", "7"],
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


def test_command_says_how_to_start_a_stack_when_none_is_up():
    done = run("env", WORKSHOP_CLOUD="nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "No stack is up. Start one with: make up\n"


def test_unknown_stack_of_an_account_is_found_by_another_command():
    """The pipeline deployed it, and its failure names a command with this variable."""
    done = run("follow", WORKSHOP_CLOUD="aws-1-nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "make drift" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_shows_what_the_makefile_says_of_each_command(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    shown = dict(re.findall(r"^  ([a-z-]+) +(.+)$", done.stdout, re.MULTILINE))
    documented = {
        name: about for each in makefile.groups().values() for name, about in each.items()
    }
    assert {name: shown.get(name) for name in COMMANDS} == {
        name: documented[name] for name in COMMANDS
    }


def test_make_and_the_command_line_have_the_same_commands():
    text = (ROOT / "Makefile").read_text("utf-8")
    rules = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    [phony] = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert rules - {"help", "help-dev"} == COMMANDS | MAINTAINERS
    assert not COMMANDS & MAINTAINERS
    assert set(re.findall(r"^([a-z-]+): ; \$\(DEV\)", text, re.MULTILINE)) == MAINTAINERS
    assert set(phony.split()) == rules


@pytest.mark.parametrize(("target", "shown"), [("help", COMMANDS), ("help-dev", MAINTAINERS)])
def test_make_help_shows_each_command_of_one_audience_in_groups(target, shown):
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")
    done = subprocess.run([make, target], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+) +\S", done.stdout, re.MULTILINE)) == shown
    assert len(re.findall(r"^[a-z].*[a-z]$", done.stdout, re.MULTILINE)) in {2, 3, 4}
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("stage", ["9", "0", "two", "-1"])
def test_unknown_stage_is_refused_with_the_known_ones(stage):
    message = f"There is no stage {stage}: stages go from 1 to {LAST_STAGE}."
    with pytest.raises(WorkshopError, match=message):
        stack_commands.stage_number(stage)


def test_mistake_in_a_stage_file_explains_a_missing_stage(monkeypatch):
    """A comment in the file's first line hides its stage, and the last stage is then another."""

    def broken():
        raise WorkshopError("02-payment/stage.toml: …")

    monkeypatch.setattr(stack_commands, "flow", broken)
    with pytest.raises(WorkshopError, match=r"02-payment/stage\.toml"):
        stack_commands.stage_number("9")
    monkeypatch.setattr(local_up, "flow", broken)
    with pytest.raises(WorkshopError, match=r"02-payment/stage\.toml"):
        local_up.deploy(build=lambda: pytest.fail("it was deployed"))


def _record(boot_id, *tables, stage=6, queues=()):
    outputs = {
        "table_names": dict.fromkeys(tables, ""),
        "dead_letter_queue_urls": {key: {} for key in queues},
    }
    return Record("us-east-1", "0", "http://127.0.0.1:4999", boot_id, stage=stage, outputs=outputs)


ALL_TABLES = ("orders", "payments", "inventory", "shipments")


@pytest.mark.parametrize(
    ("before", "stage", "removed"),
    [
        (
            6,
            1,
            "stages 2 to 6 added, the data in payments, inventory, shipments and all dead letters",
        ),
        (4, 3, "stage 4 added, the data in shipments"),
        (6, 4, "stages 5 to 6 added, all dead letters"),
        (6, 5, ""),
        (1, 1, ""),
        (1, 6, ""),
    ],
)
def test_up_says_first_what_an_earlier_stage_removes(before, stage, removed):
    tables = [key for key in ALL_TABLES if flow().tables[key].stage <= before]
    sentence = f"From stage {before} back to stage {stage}: this removes what {removed} included."
    expected = sentence if removed else ""
    assert stack_commands._removal(_record("a", *tables, stage=before), stage) == expected


def test_up_without_an_earlier_stack_removes_nothing():
    assert stack_commands._removal(None, 1) == ""


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            _record("a", "orders", "bonus", queues=("payment", "bonus")),
            _record("a", "orders", queues=("payment",)),
            [
                "Removed with their items: the tables bonus.",
                "Removed with their messages: the dead-letter queues of bonus.",
            ],
        ),
        (_record("a", "orders"), _record("a", "orders", "payments"), []),
        (_record("a", "orders", "payments"), _record("b", "orders"), []),
        (None, _record("a", "orders"), []),
    ],
)
def test_up_names_only_what_a_changed_configuration_removed(before, after, lines):
    """A learner's own function goes with its own queues; all others stay."""
    assert list(stack_commands._removed(before, after)) == lines


@pytest.mark.parametrize("present", [True, False])
def test_up_shows_the_removal_before_it_deploys(monkeypatch, running, capsys, present):
    """Not for a local cloud that has ended: there, nothing is left to remove."""
    at_deployment = []
    monkeypatch.setattr(Record, "load", lambda _: _record("a", *ALL_TABLES))
    monkeypatch.setattr(stack_commands, "is_present", lambda *_: present)
    monkeypatch.setattr(
        stack_commands,
        "bring_up",
        lambda *_, **__: at_deployment.append(capsys.readouterr().err) or running,
    )
    stack_commands.up(stage=1)
    assert at_deployment[0].startswith("From stage 6 back to stage 1: ") is present


@pytest.mark.parametrize("discard", [True, False])
def test_down_ends_the_board_of_its_own_cloud(monkeypatch, capsys, discard):
    stopped = []
    monkeypatch.setenv("WORKSHOP_CLOUD", "mine")
    monkeypatch.setattr(stack_commands, "take_down", lambda *_, **__: Down(was_running=True))
    monkeypatch.setattr(stack_commands.process, "stop", lambda name: not stopped.append(name))
    stack_commands.down(discard=discard)
    assert stopped == ["mine"]
    assert "The board is stopped." in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(("name", "prefix"), [("default", ""), ("mine", "WORKSHOP_CLOUD=mine ")])
def test_down_names_the_command_for_its_own_cloud(monkeypatch, capsys, name, prefix):
    monkeypatch.setenv("WORKSHOP_CLOUD", name)
    monkeypatch.setattr(stack_commands, "take_down", lambda *_, **__: Down(True, stage=3))
    monkeypatch.setattr(stack_commands.process, "stop", lambda _: False)
    stack_commands.down()
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Its stack is stored. Continue with: {prefix}make up STAGE=3. "
        f"Remove it: {prefix}make down ARGS=--discard"
    )


@pytest.fixture
def running(monkeypatch):
    """A stack on a local cloud, as far as the commands can see."""
    outputs = Outputs("http://127.0.0.1:4999/api", "bus", "us-east-1", {"payment": "p"}, {}, {})
    made = Stack(Target.local("default", "http://127.0.0.1:4999"), 2, outputs)
    for module in (stack_commands, stack):
        monkeypatch.setattr(module, "current", lambda: made)
    for name in [name for name in os.environ if name.startswith(("AWS_", "WORKSHOP_"))]:
        monkeypatch.delenv(name)
    return made


def test_env_prints_what_the_shell_is_to_run_and_nothing_else(running, capsys):
    stack_commands.env("fish")
    printed = capsys.readouterr()
    assert "set -gx AWS_ENDPOINT_URL 'http://127.0.0.1:4999'" in printed.out.splitlines()
    assert all(line.startswith("set -gx ") for line in printed.out.splitlines())
    assert printed.err == ""


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
    assert stack_commands._next(Stack(running.target, stage, outputs)) == commands


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


@pytest.mark.parametrize(("line", "names"), [(cli, COMMANDS), (maintainers, MAINTAINERS)])
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
