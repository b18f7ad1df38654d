"""The verb that pins what the project depends on."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from workshop.console import say
from workshop.errors import WorkshopError
from workshop.paths import ROOT

app = typer.Typer()

GROUPS = ("workshop", "dev", "lab", "local-cloud", "functions")
"""pyproject.toml's dependency groups that have a lock file of their name."""

_COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
    *("--universal", "--python-version=3.11"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
)


@app.command()
def lock(
    *,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest versions allowed.")
    ] = False,
) -> None:
    """Make the *.lock files anew from pyproject.toml."""
    with tempfile.TemporaryDirectory() as folder:
        # All groups at once first: what they share gets one version for all of them.
        everything = Path(folder, "everything.txt")
        if not upgrade:
            everything.write_text("\n".join(_pins()), "utf-8")  # uv keeps what it finds there
        groups = [f"--group={each}" for each in GROUPS]
        _compile(*groups, f"--output-file={everything}")
        for group in GROUPS:
            options = ["--generate-hashes", f"--constraints={everything}", f"--group={group}"]
            _compile(*options, f"--output-file={ROOT / f'{group}.lock'}")
    say("The lock files are up to date; the environments follow with the next command.")


def _pins() -> list[str]:
    """What the lock files pin now, without the hashes."""
    locks = [ROOT / f"{each}.lock" for each in GROUPS]
    texts = [path.read_text("utf-8") for path in locks if path.exists()]
    lines = [line for text in texts for line in text.splitlines() if "==" in line]
    return sorted({line.removesuffix(" \\") for line in lines})


def _compile(*options: str) -> None:
    done = subprocess.run(
        [*_COMPILE, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WorkshopError(f"{done.stderr.strip()}\nThe lock files could not be made.")
