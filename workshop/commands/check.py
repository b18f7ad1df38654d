"""The verb that tells a learner whether a stage does what it should."""

import os
from pathlib import Path
from typing import Annotated

import typer

from workshop import check_report
from workshop.commands.stack import stage_number
from workshop.console import say
from workshop.deployment.local.injected_faults import nothing_is_wrong
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import WorkshopError
from workshop.exercises import session
from workshop.paths import LAST_STAGE, stage_folder
from workshop.progress import record

app = typer.Typer()


@app.command()
def check(
    stage: Annotated[
        int | None,
        typer.Option(
            parser=stage_number, metavar="STAGE", help="Check 1 to this; default: what is up."
        ),
    ] = None,
) -> None:
    """Check that the stack does what its stages promise, and say what is missing."""
    stack = current()
    wanted = stage or stack.stage
    if wanted > stack.stage:
        raise WorkshopError(
            f"The stack is at stage {stack.stage}. Bring it up first: make up STAGE={wanted}"
        )
    nothing_is_wrong(stack)
    if told := session.reminder():
        say(told)
    folders = [folder / "tests/deployed" for folder in _stage_folders(wanted)]
    tests = [str(folder) for folder in folders if folder.is_dir()]
    if not tests:
        raise WorkshopError(f"Stages 1 to {wanted} have no checks yet.")
    os.environ.update(stack.target.environment() | {CLOUD_VARIABLE: stack.target.name})
    report = check_report.run("-m", "deployed", *tests)
    if report.failed:
        raise typer.Exit(1)
    record.passed_check(wanted)
    if wanted == stack.stage < LAST_STAGE:
        say(f"Go on in the lesson. The stage after it: make up STAGE={wanted + 1}")


def _stage_folders(last: int) -> list[Path]:
    folders = [stage_folder(stage) for stage in range(1, last + 1)]
    return [folder for folder in folders if folder]
