"""Verbs that bring the local stack up and down."""

import os
from typing import Annotated

import typer

from workshop.console import out, say
from workshop.deployment import bundles
from workshop.deployment.local.up import down as take_down
from workshop.deployment.local.up import empty_cloud, lost_events, start_empty
from workshop.deployment.local.up import up as bring_up
from workshop.deployment.stack import Record, Stack, cloud_name, current
from workshop.deployment.target import taken_back
from workshop.deployment.terraform.runner import Terraform
from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.paths import CLOUDS, STAGES

app = typer.Typer()


def stage_number(text: str) -> int:
    """The stage that an option names.

    Raises:
        UsageError: There is no such stage.
    """
    if not text.isdecimal() or int(text) not in STAGES:
        raise UsageError(f"There is no stage {text}: stages go from {STAGES[0]} to {STAGES[-1]}.")
    return int(text)


Stage = Annotated[
    int | None,
    typer.Option(
        parser=stage_number,
        metavar=f"{STAGES[0]}…{STAGES[-1]}",
        help="How far the system is built; default: all.",
    ),
]


@app.command()
def setup() -> None:
    """Get everything ready that the other commands need, and say what is used."""
    terraform = Terraform(CLOUDS / "default", os.environ)
    terraform.init()
    bundles.build()
    bytecode = "with" if bundles.find_compiler() else "without"
    say(f"Ready: environments, {terraform.program}, its provider, bundles ({bytecode} bytecode).")


@app.command()
def up(
    stage: Stage = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The local cloud's; default: 4566 or next.")
    ] = None,
) -> None:
    """Deploy the system to the local cloud, up to a stage, with Terraform."""
    before = Record.load(CLOUDS / cloud_name())
    stack = bring_up(stage, cloud_name(), port)
    after = Record.load(CLOUDS / cloud_name())
    if gone := _gone(before, after, "table_names"):
        say(f"Gone, rows and all: the tables {', '.join(gone)}.")
    if _gone(before, after, "dead_letter_queue_urls"):
        say(
            "Gone, with all that may have waited in them: the dead-letter queues. Back at stage 5, "
            'this sets such orders going again: make reconcile ARGS="--older-than 0"'
        )
    say(f"API: {stack.outputs.api_endpoint}")
    if told := session.reminder():
        say(told)
    say(f"Next: {_next(stack)}")
    say('For any AWS tool: eval "$(make -s env)"')


def _gone(before: Record | None, after: Record | None, output: str) -> list[str]:
    """The keys of an output, such as tables, that a step down took from a running local cloud."""
    if before is None or after is None or before.boot_id != after.boot_id:
        return []
    then, now = (each.outputs.get(output, {}) for each in (before, after))
    return [key for key in then if key not in now]


def _next(stack: Stack) -> str:
    commands = [f"make check STAGE={stack.stage}", "make order", "make status"]
    if "inventory" in stack.outputs.table_names:
        commands[1:1] = ["make stock ARGS=MOUSE=10"]  # nothing is shipped from an empty shelf
    return ", ".join(f"`{command}`" for command in commands)


@app.command()
def down(
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove the stack and all its orders.")
    ] = False,
) -> None:
    """Stop the local cloud; `make up` with its stage continues the same stack with its orders."""
    say("Stopping the local cloud, when nothing is under way or after 20 s …")
    done = take_down(cloud_name(), discard=discard)
    say("The local cloud is stopped." if done.was_running else "No local cloud was running.")
    if discard:
        say("Its stack and all orders are removed.")
    if done.lost:
        raise WorkshopError(
            "Its stack could not be stored and is lost. The reason is in "
            f".workshop/clouds/{cloud_name()}/cloud.log. Build it again, empty, with: make up"
        )
    if done.stage:
        if done.dropped:
            say(lost_events(done.dropped, done.stage))
        say(
            f"Its stack is stored. Continue with: make up STAGE={done.stage}. "
            "Remove it: make down ARGS=--discard"
        )


@app.command()
def cloud(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where it serves; default: 4566 or next.")
    ] = None,
) -> None:
    """Start a local cloud with nothing in it: an account to rehearse `deploy` in."""
    name = cloud_name()
    running = start_empty(name, port)
    say(f"A local cloud runs at {running.endpoint_url}, with nothing of `make up` in it.")
    say('Lead this shell to it: eval "$(make -s env)". Back: eval "$(make -s env ARGS=--unset)"')


@app.command()
def env(
    shell: Annotated[str, typer.Option(help="Whose language: sh, fish or powershell.")] = "sh",
    *,
    unset: Annotated[bool, typer.Option("--unset", help="Take all of it back.")] = False,
) -> None:
    """Print what lets any AWS tool reach the stack: eval "$(make -s env)"."""
    templates = {
        "sh": ("export {}='{}'", "unset {}"),
        "fish": ("set -gx {} '{}'", "set -e {}"),
        "powershell": ("$env:{} = '{}'", "Remove-Item Env:{}"),
    }
    if shell not in templates:
        raise typer.BadParameter(f"{shell} is not one of {', '.join(templates)}.")
    to_set, to_unset = templates[shell]
    values: dict[str, str | None]
    if unset:
        values = taken_back() | {"API_ENDPOINT": None}
    else:
        empty = empty_cloud(cloud_name())
        target = empty or current().target
        values = dict.fromkeys(target.unsets()) | target.exports()
        values["API_ENDPOINT"] = None if empty else current().outputs.api_endpoint
    lines = [
        to_unset.format(name) if value is None else to_set.format(name, value)
        for name, value in values.items()
    ]
    out.print("\n".join(lines), markup=False, soft_wrap=True)
