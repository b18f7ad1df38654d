"""The command that opens the notebooks."""

import contextlib
import os
import subprocess
import sys

import typer

from workshop.console import say
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.environments import LAB, prepare
from workshop.paths import NOTEBOOKS

app = typer.Typer()

_NO_NEWS = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
"""JupyterLab calls nobody, and asks nothing before the first notebook is open."""


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
