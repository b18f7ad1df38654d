"""The command that checks what a stage promises."""

import os
from typing import Annotated

import typer

from workshop import check_report
from workshop.commands.stack import stage_number
from workshop.console import say
from workshop.deployment.local.injected_faults import ensure_no_faults
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import WorkshopError
from workshop.exercises import session
from workshop.paths import LAST_STAGE, in_stages
from workshop.progress import record
from workshop.stages import stage_of

app = typer.Typer()


@app.command()
def check(
    stage: Annotated[
        int | None,
        typer.Option(
            parser=stage_number,
            metavar="STAGE",
            help="Check stages 1 to this; default: all deployed stages.",
        ),
    ] = None,
) -> None:
    """Check that the stack does what its stages promise."""
    stack = current()
    wanted = stage or stack.stage
    if wanted > stack.stage:
        raise WorkshopError(
            f"The stack is at stage {stack.stage}. Deploy stage {wanted} first: "
            f"make up STAGE={wanted}"
        )
    ensure_no_faults(stack)
    if reminder := session.reminder():
        say(reminder)
    if wanted >= stage_of("redrive"):
        say("This takes about two minutes: some checks wait until all retries have failed.")
    stages = range(1, wanted + 1)
    tests = in_stages("tests/deployed", stages)
    os.environ.update(stack.target.environment() | {CLOUD_VARIABLE: stack.target.name})
    report = check_report.run(tests, "-m", "deployed")
    if report.failed:
        raise typer.Exit(1)
    record.passed_check(wanted)
    if wanted == stack.stage < LAST_STAGE:
        say(f"Continue with the lesson. The next stage: make up STAGE={wanted + 1}")
