"""Commands for the notebooks: check them, run them again."""

from typing import Annotated

import typer

from devtools import test_runner
from devtools.notebooks import files, own_stack
from workshop.console import say, steps
from workshop.deployment.stack import current
from workshop.errors import UsageError

app = typer.Typer()

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]…", help="Such as 03-inventory; default: all.")
]


@app.command()
def notebooks(names: Names = None) -> None:
    """Run every notebook, and compare its outputs with the saved ones.

    This uses a new local cloud, or the stack in WORKSHOP_CLOUD. On AWS the cells only have to run.
    """
    paths = files.paths(names or ())
    with own_stack.named_or_own_cloud() as cloud:
        if not current(cloud).target.own:
            say("On AWS times and traffic differ: outputs are not compared.")
        tally = test_runner.notebooks_on(cloud, paths)
    if tally.failed:
        raise typer.Exit(1)


@app.command("notebooks-refresh")
def notebooks_refresh(names: Names = None) -> None:
    """Run notebooks and save their outputs."""
    from devtools.notebooks.refresh import refresh  # noqa: PLC0415 - only in the development environment

    paths = files.paths(names or ())
    with own_stack.named_or_own_cloud() as cloud, steps("Running") as progress:
        if not current(cloud).target.own:
            raise UsageError(
                "Saved outputs come from a local cloud: times on AWS differ from run to run."
            )
        progress.planned(len(paths))
        for path in paths:
            progress.doing(path.stem)
            refresh(path, cloud)
            progress.done()
    say(f"Saved: {', '.join(path.name for path in paths)}. Look at the pictures, then commit.")
