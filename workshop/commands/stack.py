"""Commands that start, deploy and stop the local stack."""

import os
from collections.abc import Iterator
from typing import Annotated

import typer

from workshop.board import process
from workshop.console import out, say
from workshop.deployment import bundles
from workshop.deployment.local.up import down as take_down
from workshop.deployment.local.up import empty_cloud, is_present, lost_events, start_empty
from workshop.deployment.local.up import up as bring_up
from workshop.deployment.shell_variables import SHELLS, entering, leaving
from workshop.deployment.stack import Record, Stack, cloud_name, current, local_name, on
from workshop.deployment.terraform.runner import Terraform
from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.incidents import session as incident_session
from workshop.paths import CLOUDS, LAST_STAGE, STAGE_FOLDERS, STAGES, foreign_stage_folders
from workshop.stages import flow, stage_of

app = typer.Typer()


def stage_number(text: str) -> int:
    """Return the stage that an option names.

    Raises:
        UsageError: There is no such stage.
        WorkshopError: A stage.toml has a mistake, perhaps that of the missing stage.
    """
    if not text.isdecimal() or int(text) not in STAGES:
        flow()
        raise UsageError(f"There is no stage {text}: stages go from 1 to {LAST_STAGE}.")
    return int(text)


Stage = Annotated[
    int | None,
    typer.Option(
        parser=stage_number,
        metavar=f"1…{LAST_STAGE}",
        help="How far the system is built; default: all.",
    ),
]

Port = Annotated[
    int | None,
    typer.Option(
        min=1, max=65535, help="Port of the local cloud; default: 4566, or the next free one."
    ),
]


@app.command()
def setup() -> None:
    """Download and prepare everything that the other commands need, and say what is used."""
    terraform = Terraform(CLOUDS / "default", os.environ)
    terraform.init()
    bundles.build()
    bytecode = "with" if bundles.find_compiler() else "without"
    say(f"Ready: environments, {terraform.program}, its provider, bundles ({bytecode} bytecode).")


@app.command()
def up(
    stage: Stage = None,
    port: Port = None,
    buffer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONSUMER",
            help="Give this function a queue in front (docs/buffer.md); without: none has one.",
        ),
    ] = None,
) -> None:
    """Deploy the system to the local cloud, up to a stage, with Terraform."""
    before = Record.load(CLOUDS / cloud_name())
    if foreign := foreign_stage_folders():
        say(
            f"Ignored, because it is not a stage of the workshop: {', '.join(foreign)}. "
            f"The stages are in {', '.join(STAGE_FOLDERS.values())}."
        )
    expected = _removal(before, stage or LAST_STAGE)
    warned = bool(expected) and is_present(cloud_name(), before)
    if warned:
        say(expected)
    stack = bring_up(stage, cloud_name(), port, buffered=buffer or ())
    after = Record.load(CLOUDS / cloud_name())
    if not warned:
        for line in _removed(before, after):
            say(line)
    say(f"API: {stack.outputs.api_endpoint}")
    for reminder in (session.reminder(), incident_session.reminder(cloud_name())):
        if reminder:
            say(reminder)
    say(f"Next: {_next(stack)}")
    say('For AWS tools in this terminal: eval "$(make -s env)"')


def _removal(before: Record | None, stage: int) -> str:
    """Return what a deployment of an earlier stage removes with its data; empty for nothing."""
    if before is None or before.stage <= stage:
        return ""
    known = flow().tables
    tables = [
        key
        for key in before.outputs.get("table_names", {})
        if key in known and known[key].stage > stage
    ]
    removed = [f"the data in {', '.join(tables)}"] if tables else []
    if before.stage >= stage_of("redrive") > stage:
        removed.append("all dead letters")
    if not removed:
        return ""
    first, last = stage + 1, before.stage
    later = f"stage {last}" if first == last else f"stages {first} to {last}"
    return (
        f"From stage {before.stage} back to stage {stage}: this removes what {later} added, "
        f"{' and '.join(removed)} included."
    )


def _removed(before: Record | None, after: Record | None) -> Iterator[str]:
    """Yield what a deployment of the same stage removed with its data, from the same cloud."""
    if before is None or after is None or before.boot_id != after.boot_id:
        return
    for output, what in (
        ("table_names", "Removed with their items: the tables"),
        ("dead_letter_queue_urls", "Removed with their messages: the dead-letter queues of"),
    ):
        now = after.outputs.get(output, {})
        if gone := [key for key in before.outputs.get(output, {}) if key not in now]:
            yield f"{what} {', '.join(gone)}."


def _next(stack: Stack) -> str:
    commands = [f"make check STAGE={stack.stage}", "make order", "make status"]
    if "inventory" in stack.outputs.table_names:
        commands[1:1] = ["make stock ARGS=MOUSE=10"]  # without stock nothing is shipped
    return ", ".join(f"`{command}`" for command in commands)


@app.command()
def down(
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove the stack and all its orders.")
    ] = False,
) -> None:
    """Stop the local cloud; `make up` with its stage continues the same stack with its orders."""
    name = cloud_name()
    if process.stop(local_name(name)):
        say("The board is stopped.")
    say("Stopping the local cloud: at once when it is idle, else after 20 s …")
    done = take_down(name, discard=discard)
    say("The local cloud is stopped." if done.was_running else "No local cloud was running.")
    if discard:
        say("Its stack and all orders are removed.")
    if done.lost:
        raise WorkshopError(
            "Its stack could not be stored and is lost. The reason is in "
            f".workshop/clouds/{name}/cloud.log. Deploy it again, without orders: {on(name, 'up')}"
        )
    if done.stage:
        if done.dropped:
            say(lost_events(done.dropped, done.stage))
        say(
            f"Its stack is stored. Continue with: {on(name, f'up STAGE={done.stage}')}. "
            f"Remove it: {on(name, 'down ARGS=--discard')}"
        )


@app.command()
def rehearse(
    port: Port = None,
) -> None:
    """Start an empty local cloud: an account in which to rehearse `deploy`."""
    name = cloud_name()
    running = start_empty(name, port)
    say(f"An empty local cloud runs at {running.endpoint_url}.")
    say('To use it in this terminal: eval "$(make -s env)"')
    say('To stop using it: eval "$(make -s env ARGS=--unset)"')


@app.command()
def env(
    shell: Annotated[str, typer.Option(help="Shell syntax: sh, fish or powershell.")] = "sh",
    *,
    unset: Annotated[bool, typer.Option("--unset", help="Undo its changes.")] = False,
) -> None:
    """Print variables that point AWS tools at the stack: eval "$(make -s env)"."""
    if shell not in SHELLS:
        raise typer.BadParameter(f"{shell} is not one of {', '.join(SHELLS)}.")
    if unset:
        changes = leaving(os.environ)
    elif empty := empty_cloud(cloud_name()):
        changes = entering(empty, None, os.environ)
    else:
        stack = current()
        changes = entering(stack.target, stack.outputs.api_endpoint, os.environ)
    out.print("\n".join(changes.lines(SHELLS[shell])), markup=False, soft_wrap=True)
