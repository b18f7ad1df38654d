"""The verb that keeps the documents true to the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from devtools.documents.pages import pages
from workshop.console import out, say
from workshop.paths import ROOT

app = typer.Typer()


@app.command()
def docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if something is stale.")
    ] = False,
) -> None:
    """Bring what is generated in the documents up to date: code, pictures, tables."""
    stale = [(path, text, parts) for path, text, parts in generated() if read(path) != text]
    for path, text, parts in stale:
        if not check:
            path.write_bytes(text)
        for part in parts:
            what = "stale" if check else "written"
            out.print(f"{part}  {what}", markup=False, soft_wrap=True)
    if not stale:
        out.print("All documents are up to date.")
    elif check:
        say("Bring them up to date with: make docs")
        raise typer.Exit(1)


def generated() -> Iterator[tuple[Path, bytes, list[str]]]:
    """Yield every file with something generated in it, what it should hold, and what is stale."""
    from devtools.documents.regions import renewed  # noqa: PLC0415 - slow to import, and only for this

    for page in pages():
        name = page.relative_to(ROOT).as_posix()
        text, changed = renewed(page, read(page).decode())
        yield page, text.encode(), [f"{name}:{each.first + 1}  {each}" for each in changed]


def read(path: Path) -> bytes:
    """Return a file as it would be committed; empty when there is none."""
    return path.read_bytes().replace(b"\r\n", b"\n") if path.exists() else b""
