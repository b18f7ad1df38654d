"""Tests of the command `faults`: every part of a plan has an option."""

from dataclasses import fields, is_dataclass

import pytest
from typer.testing import CliRunner

from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from workshop.cli import app
from workshop.commands import faults as command
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target

FUNCTIONS = {"payment": "orderflow-payment", "shipping": "orderflow-shipping"}


class FakeControl:
    """Keeps the plan, as the local cloud does."""

    def __init__(self):
        self.plan = None

    def faults(self):
        return self.plan

    def set_faults(self, plan):
        self.plan = plan

    def clear_faults(self):
        self.plan = None


@pytest.fixture
def control(monkeypatch):
    made = FakeControl()
    outputs = Outputs("", "bus", "us-east-1", FUNCTIONS, {}, {})
    stack = Stack(Target.local("default", "http://127.0.0.1:4999"), 4, outputs)
    monkeypatch.setattr(command, "current", lambda: stack)
    monkeypatch.setattr(command, "switch", lambda stack: made)
    return made


def run(*arguments):
    return CliRunner().invoke(app, ["faults", *arguments], standalone_mode=False)


EVERYTHING = {
    "--duplicate": "0.1",
    "--copies": "3",
    "--delay": "0.2",
    "--seconds": "4",
    "--reorder": "0.3",
    "--moment": "0.7",
    "--drop": "0.4",
    "--refuse": "0.6",
    "--fail-entries": "0.5",
    "--kill": "payment",
    "--times": "2",
    "--function": "shipping",
    "--detail-type": "InventoryUpdated",
    "--seed": "5",
}
PLAN = Plan(
    seed=5,
    functions=("orderflow-shipping",),
    detail_types=("InventoryUpdated",),
    duplicate=Duplicate(0.1, copies=3),
    delay=Hold(0.2, seconds=4),
    reorder=Hold(0.3, seconds=0.7),
    drop=Share(0.4),
    refuse=Share(0.6),
    fail_entries=Share(0.5),
    kill_before_publish=Kill("orderflow-payment", times=2),
)


def test_every_part_of_a_plan_has_an_option(control):
    done = run(*(word for option in EVERYTHING.items() for word in option))
    assert done.exception is None
    assert control.plan == PLAN


def test_plan_of_this_test_is_complete():
    """A new part of a plan needs a value here, and so an option."""
    usual = Plan()
    for field in fields(Plan):
        given, default = getattr(PLAN, field.name), getattr(usual, field.name)
        assert given != default, field.name
        if is_dataclass(default):
            same = [each.name for each in fields(default) if _same(given, default, each.name)]
            assert same == []


def _same(one, other, name):
    return getattr(one, name) == getattr(other, name)


def test_plan_is_shown_in_one_line(control):
    control.plan = PLAN
    text = (
        "10% duplicate, 3 deliveries; 20% delay up to 4 s; 30% reorder within 0.7 s; 40% drop; "
        "60% refuse; 50% failed entries of PutEvents "
        "(orderflow-shipping, InventoryUpdated, seed 5); "
        "orderflow-payment killed before it publishes, 2 times"
    )
    assert run().output == f"{text}\n"


def test_plan_with_a_kill_only_has_no_share(control):
    control.plan = Plan(kill_before_publish=Kill("orderflow-payment"))
    assert run().output == "orderflow-payment killed before it publishes\n"


def test_clear_removes_the_plan(control):
    control.plan = PLAN
    assert run("--clear").output == "no faults are injected\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--clear", "--drop", "1"], "not both"),
        (["--function", "payment"], "Say what goes wrong"),
        (["--detail-type", "OrderCreated"], "Say what goes wrong"),
        (["--drop", "nan"], "drop: share is nan, not between 0 and 1."),
        (["--delay", "1", "--seconds", "inf"], "Invalid value for '--seconds'"),
        (["--kill", "shpping"], "no function shpping"),
    ],
)
def test_invalid_option_is_a_usage_error(control, arguments, sentence):
    done = run(*arguments)
    assert done.exception.exit_code == 2
    message = getattr(done.exception, "format_message", done.exception.__str__)
    assert sentence in message()
    assert control.plan is None


def test_help_explains_a_share(control):
    done = run("--help")
    assert "three of ten" in done.output
