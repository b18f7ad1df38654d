"""The verb of the trouble switch: every part of a plan has an option."""

from dataclasses import fields, is_dataclass

import pytest
from typer.testing import CliRunner

from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from workshop.cli import app
from workshop.commands import faults as verb
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target

FUNCTIONS = {"payment": "orderflow-payment", "shipping": "orderflow-shipping"}


class FakeControl:
    """Keeps the plan, as the local cloud does."""

    def __init__(self):
        self.plan = None

    def trouble(self):
        return self.plan

    def set_trouble(self, plan):
        self.plan = plan

    def clear_trouble(self):
        self.plan = None


@pytest.fixture
def control(monkeypatch):
    made = FakeControl()
    outputs = Outputs("", "bus", "us-east-1", FUNCTIONS, {}, {})
    stack = Stack(Target.local("default", "http://127.0.0.1:4999"), 4, outputs)
    monkeypatch.setattr(verb, "current", lambda: stack)
    monkeypatch.setattr(verb, "switch", lambda stack: made)
    return made


def run(*arguments):
    return CliRunner().invoke(app, ["trouble", *arguments], standalone_mode=False)


EVERYTHING = {
    "--duplicate": "0.1",
    "--copies": "3",
    "--delay": "0.2",
    "--seconds": "4",
    "--reorder": "0.3",
    "--moment": "0.7",
    "--drop": "0.4",
    "--refuse": "0.6",
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
    kill_before_publish=Kill("orderflow-payment", times=2),
)


def test_every_part_of_a_plan_can_be_asked_for(control):
    done = run(*(word for option in EVERYTHING.items() for word in option))
    assert done.exception is None
    assert control.plan == PLAN


def test_the_plan_above_is_all_there_is():
    """A part that is new in a plan stands here with a value of its own, and so has an option."""
    usual = Plan()
    for field in fields(Plan):
        given, default = getattr(PLAN, field.name), getattr(usual, field.name)
        assert given != default, field.name
        if is_dataclass(default):
            same = [each.name for each in fields(default) if _same(given, default, each.name)]
            assert same == []


def _same(one, other, name):
    return getattr(one, name) == getattr(other, name)


def test_the_trouble_is_told_in_one_line(control):
    control.plan = PLAN
    told = (
        "10% duplicate, 3 deliveries; 20% delay up to 4 s; 30% reorder within 0.7 s; 40% drop; "
        "60% refuse (orderflow-shipping, InventoryUpdated, seed 5); "
        "orderflow-payment killed before it publishes, 2 times"
    )
    assert run().output == f"{told}\n"


def test_a_kill_alone_says_nothing_of_events(control):
    control.plan = Plan(kill_before_publish=Kill("orderflow-payment"))
    assert run().output == "orderflow-payment killed before it publishes\n"


def test_it_is_cleared(control):
    control.plan = PLAN
    assert run("--clear").output == "nothing goes wrong on purpose\n"


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
def test_nonsense_is_answered_in_a_sentence(control, arguments, sentence):
    done = run(*arguments)
    assert done.exception.exit_code == 2
    told = getattr(done.exception, "format_message", done.exception.__str__)
    assert sentence in told()
    assert control.plan is None


def test_the_help_says_what_a_share_is(control):
    done = run("--help")
    assert "three of ten" in done.output
