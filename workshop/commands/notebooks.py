"""Verbs for the notebooks: check them, run them anew, open them."""

import contextlib
import os
import subprocess
import sys
from typing import Annotated

import typer

from workshop import suite
from workshop.console import say, steps
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.environments import LAB, prepare
from workshop.errors import UsageError
from workshop.lab import files, ground
from workshop.paths import NOTEBOOKS

app = typer.Typer()

_NO_NEWS = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
"""JupyterLab calls nobody, and asks nothing before the first notebook is open."""

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]…", help="Such as 03-inventory; default: all.")
]


@app.command()
def notebooks(names: Names = None) -> None:
    """Run every notebook, and compare what it says with what is saved in it.

    On a local cloud made for it, or on the stack that WORKSHOP_CLOUD names. On AWS the cells only
    have to run.
    """
    paths = files.paths(names or ())
    with ground.named_or_own_cloud() as cloud:
        if not current(cloud).target.own:
            say("On AWS times and traffic differ: outputs are not compared.")
        tally = suite.notebooks_on(cloud, paths)
    if tally.failed:
        raise typer.Exit(1)


@app.command("notebooks-refresh")
def notebooks_refresh(names: Names = None) -> None:
    """Run notebooks anew, and save what they say."""
    from workshop.lab.refresh import refresh  # noqa: PLC0415 - only in the development environment

    paths = files.paths(names or ())
    with ground.named_or_own_cloud() as cloud, steps("Running") as progress:
        if not current(cloud).target.own:
            raise UsageError("What is saved comes from a local cloud: AWS's times are yours alone.")
        progress.planned(len(paths))
        for path in paths:
            progress.doing(path.stem)
            refresh(path, cloud)
            progress.done()
    say(f"Saved: {', '.join(path.name for path in paths)}. Look at the pictures, then commit.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the stack that is up; options go to it."""
    stack = current()  # asked first: JupyterLab takes a minute to install
    prepare((LAB,))
    say(f"JupyterLab on stage {stack.stage} of {stack.target.name}. End it with Ctrl-C.")
    command = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(NOTEBOOKS), *_NO_NEWS]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container people are root; it serves loopback only
    environment = stack.target.environment() | {CLOUD_VARIABLE: stack.target.name}
    _become([*command, *context.args], environment)


def _become(command: list[str], environment: dict[str, str]) -> None:
    """Go on as another program, which then has the terminal and its Ctrl-C to itself."""
    if os.name == "posix":
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted
    with contextlib.suppress(KeyboardInterrupt):
        raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
