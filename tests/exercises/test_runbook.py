"""The check of exercise 05.4 runs the commands of an entry, and refuses all others."""

import importlib.util
import subprocess

import pytest

from workshop.exercises.catalogue import find

ENTRY = """\
# orderflow-inventory-failed-waiting

## What it means to a customer

The customer has paid, and nothing is shipped.

## How to see it

```sh
# a comment
make follow ORDER=ORDER_ID
aws cloudwatch describe-alarms
```

## First action

```sh
make stock ARGS="SKU=10"
```

## How to know that it is over

`make dlq` shows nothing.

```sh
make dlq ARGS="--consumer inventory"
```
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """The exercise's check, as a module; its entry is `ENTRY`."""
    spec = importlib.util.spec_from_file_location("runbook_check", find("05.4").check)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ENTRY", tmp_path / "runbook.md")
    module.ENTRY.write_text(ENTRY, "utf-8")
    return module


@pytest.fixture
def ran(check, monkeypatch):
    """The arguments of each command that the check runs; none of them runs."""
    found = []

    def run(command, **_):
        found.append(command[3:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(check.subprocess, "run", run)
    return found


def test_commands_run_with_the_order_and_the_article_of_the_incident(check, ran):
    incident = check.Incident("order-1", "SKU-1")
    for part in check.PARTS:
        incident.run(part)
    assert ran == [["follow", "order-1"], ["stock", "SKU-1=10"], ["dlq", "--consumer", "inventory"]]


@pytest.mark.parametrize(
    "line",
    [
        "make down",
        "make redrive && make down",
        "make redrive; touch here",
        "make dlq | cat",
        "make stock ARGS=$(whoami)",
        'make stock ARGS="$(whoami)=1" && ls',
        "python3 -m workshop dlq",
        "make PYTHON=./mine dlq",
        "sudo make dlq",
        'make dlq ARGS="4f2a --discard"',
        "make logs ARGS=-f",
        "rm -r .",
    ],
)
def test_all_other_lines_are_refused(check, ran, line):
    check.ENTRY.write_text(ENTRY.replace('make stock ARGS="SKU=10"', line), "utf-8")
    with pytest.raises(pytest.fail.Exception, match="The check does not run"):
        check.Incident("order-1", "SKU-1").run(check.ACTION)
    assert ran == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# orderflow-inventory-failed-waiting", "# an alarm", "title must be"),
        ("## First action", "## Action", "parts must be"),
        ("The customer has paid, and nothing is shipped.", "…", "customer. is empty"),
        ('make stock ARGS="SKU=10"\n', "", "First action. has no commands"),
    ],
)
def test_entry_without_a_part_is_refused(check, old, new, says):
    check.ENTRY.write_text(ENTRY.replace(old, new), "utf-8")
    with pytest.raises(AssertionError, match=says):
        check.test_entry_has_its_four_parts()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("make stock ARGS=--colour", "No such option"),
        ("make fix", "there is no command"),
        ("aws sqs empty-queue", "sqs has no empty-queue"),
    ],
)
def test_commands_that_do_not_exist_are_named(check, line, says):
    check.test_every_command_exists()
    check.ENTRY.write_text(ENTRY.replace("make dlq` shows", f"{line}` shows"), "utf-8")
    with pytest.raises(AssertionError, match=says):
        check.test_every_command_exists()
