"""The command that updates what is generated in the documents."""

import contextlib
from typing import Annotated

import typer

from workshop.paths import ROOT

app = typer.Typer()


@app.command()
def docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a page is not up to date.")
    ] = False,
) -> None:
    """Update what is generated in the documents: code, diagrams, tables."""
    if cog(check=check):
        raise typer.Exit(1)


def cog(*, check: bool = False) -> int:
    """Run cog on all pages; return its exit code, 0 if all went well.

    Args:
        check: write nothing, print what would change, and fail if that is anything.
    """
    from cogapp import Cog  # noqa: PLC0415 - only this command needs them

    from devtools.documents.pages import pages  # noqa: PLC0415
    from devtools.documents.producers import PROLOGUE  # noqa: PLC0415

    mode = ["--check", "--diff", "--check-fail-msg=run `make docs`"] if check else ["-r"]
    names = [path.relative_to(ROOT).as_posix() for path in pages()]
    with contextlib.chdir(ROOT):
        return int(Cog().main(["cog", *mode, "-U", "--verbosity=1", "-p", PROLOGUE, *names]))
