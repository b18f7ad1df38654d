"""The verb that keeps the documents true to the code."""

from pathlib import Path
from typing import Annotated

import typer

from workshop.console import out
from workshop.documents.pages import pages
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
    stale = {path: text for path, text in generated() if read(path) != text}
    for path, text in stale.items():
        if not check:
            path.write_bytes(text)
        what = "stale" if check else "written"
        out.print(f"{path.relative_to(ROOT).as_posix()}  {what}", markup=False)
    if not stale:
        out.print("All documents are up to date.")
    elif check:
        raise typer.Exit(1)


def generated() -> list[tuple[Path, bytes]]:
    """Return every file with something generated in it, and what it should hold."""
    from workshop.documents.files import FILES  # noqa: PLC0415 - slow to import, and only for this
    from workshop.documents.regions import fresh  # noqa: PLC0415

    written = [(page, fresh(page, read(page).decode()).encode()) for page in pages()]
    return written + [(path, content()) for path, content in FILES.items()]


def read(path: Path) -> bytes:
    """Return a file as it would be committed; empty when there is none."""
    return path.read_bytes().replace(b"\r\n", b"\n") if path.exists() else b""
