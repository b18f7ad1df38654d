"""The command that updates the generated parts of the documents."""

import contextlib
from typing import Annotated

import typer

from workshop.console import say
from workshop.paths import ROOT

app = typer.Typer()

PICTURES_CLOUD = "readme"
"""The local cloud on which the pictures are taken: they show its name."""


@app.command()
def docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a page is not up to date.")
    ] = False,
) -> None:
    """Update what is generated: parts of pages, events to send, the OpenAPI document."""
    stale = whole_files(check=check)
    if cog(check=check) or (check and stale):
        raise typer.Exit(1)


@app.command("board-pictures")
def board_pictures() -> None:
    """Make the README's pictures of the board from a real run; needs a browser."""
    from devtools.documents.board_pictures import make  # noqa: PLC0415 - slow to import
    from devtools.notebooks.own_stack import own_cloud  # noqa: PLC0415
    from workshop.deployment import bundles  # noqa: PLC0415
    from workshop.deployment.stack import current  # noqa: PLC0415

    bundles.build()
    with own_cloud(PICTURES_CLOUD, quiet=True) as name:
        make(current(name))


def whole_files(*, check: bool = False) -> int:
    """Write the files that are generated as a whole; return how many were not up to date.

    Args:
        check: Write nothing, and name what would change.
    """
    from devtools.documents import event_catalogue, openapi  # noqa: PLC0415

    stale = 0
    files = {**event_catalogue.ready_files(), openapi.DOCUMENT: openapi.text()}
    for path, text in files.items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        if check:
            say(f"{path.relative_to(ROOT).as_posix()} is not up to date: run `make docs`.")
        else:
            path.write_text(text, "utf-8")
    return stale


def cog(*, check: bool = False) -> int:
    """Run cog on all pages; return its exit code, 0 if it succeeds.

    Args:
        check: Write nothing, print what would change, and fail if there is a change.
    """
    from cogapp import Cog  # noqa: PLC0415 - only this command needs them

    from devtools.documents.pages import pages  # noqa: PLC0415
    from devtools.documents.producers import PROLOGUE  # noqa: PLC0415

    mode = ["--check", "--diff", "--check-fail-msg=run `make docs`"] if check else ["-r"]
    names = [path.relative_to(ROOT).as_posix() for path in pages()]
    with contextlib.chdir(ROOT):
        return int(Cog().main(["cog", *mode, "-U", "--verbosity=1", "-p", PROLOGUE, *names]))
