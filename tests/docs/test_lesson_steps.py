"""The steps of the lessons: they say what the lessons say, and name facts that exist."""

import re
import shutil

import pytest

from workshop.errors import WorkshopError
from workshop.exercises.catalogue import exercises
from workshop.orders.api_client import catalogue
from workshop.paths import STAGE_FOLDERS, STAGES, stage_folder
from workshop.progress import steps
from workshop.stages import flow

ALL = [(stage, step) for stage in STAGES for step in steps.of_stage(stage)]
EACH = pytest.mark.parametrize(
    ("stage", "step"), ALL, ids=[f"{stage}: {step.do}" for stage, step in ALL]
)
FUNCTIONS = [*flow().functions]
ARGUMENTS = {
    "deployed": [str(each) for each in STAGES],
    "checked": [str(each) for each in STAGES],
    "stock": list(catalogue()),
    **dict.fromkeys(("published", "published-again", "re-published"), flow().steps),
    **dict.fromkeys(("retried", "lost", "killed", "recovered", "duplicated"), FUNCTIONS),
    **dict.fromkeys(("dead-lettered", "gateway-down", "undelivered", "redriven"), FUNCTIONS),
}


@EACH
def test_commands_of_a_step_are_in_the_lesson(stage, step):
    text = (stage_folder(stage) / "README.md").read_text("utf-8")
    commands = {
        line.strip()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    }
    assert set(step.commands) <= commands


@EACH
def test_facts_of_a_step_exist(stage, step):
    for fact in step.done:
        kind, _, argument = fact.partition(" ")
        assert argument in ARGUMENTS[kind]


def test_facts_are_those_that_the_module_describes():
    described = re.findall(
        r"^    ([a-z-]+) (?:STAGE|SKU|STEP|FUNCTION) ", steps.__doc__, re.MULTILINE
    )
    assert described == list(ARGUMENTS)


@pytest.mark.parametrize("stage", STAGES)
def test_steps_of_a_lesson_follow_its_text(stage):
    """The first step deploys the stage, and one step checks it."""
    found = steps.of_stage(stage)
    assert f"deployed {stage}" in found[0].done
    assert [f"checked {stage}"] in [list(each.done) for each in found]
    assert [each for each in exercises() if each.stage == stage]


@pytest.mark.parametrize(
    "text",
    ["steps = 1", "[[steps]]\ndo = 'x'", "[[steps]]\ndo='x'\ncommands='y'\ndone=['z']", "[[steps"],
)
def test_mistake_in_the_steps_names_the_file(tmp_path, text):
    folder = tmp_path / STAGE_FOLDERS[1]
    folder.mkdir()
    (folder / steps.FILE).write_text(text, "utf-8")
    with pytest.raises(WorkshopError, match=f"{folder.name}/steps.toml"):
        steps.of_stage(1, tmp_path)


def test_stage_without_steps_has_none(tmp_path):
    shutil.copytree(stage_folder(1), tmp_path / STAGE_FOLDERS[1], ignore=lambda *_: {steps.FILE})
    assert steps.of_stage(1, tmp_path) == []
