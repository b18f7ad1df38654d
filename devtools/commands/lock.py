"""The command that pins the dependencies."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from devtools import terraform_provider
from workshop.console import say
from workshop.errors import WorkshopError
from workshop.paths import LOCKS, ROOT

app = typer.Typer()

GROUPS = ("workshop", "dev", "lab", "local-cloud", "functions")
"""The dependency groups of pyproject.toml with a lock file; they share versions."""
APART = ("security",)
"""Groups with their own versions: each has an environment for itself."""

_COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
    *("--universal", "--python-version=3.11"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
)


@app.command()
def lock(
    *,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Use the newest allowed versions.")
    ] = False,
    provider: Annotated[
        bool,
        typer.Option(
            "--provider",
            help="Only Terraform's AWS provider: use the newest, of any major version.",
        ),
    ] = False,
) -> None:
    """Write requirements/*.lock again from pyproject.toml."""
    if provider:
        terraform_provider.lock_newest()
        say("Terraform's provider is locked; the next command that needs it downloads it.")
        return
    with tempfile.TemporaryDirectory() as folder:
        # All groups at once first: a shared package gets one version in all of them.
        everything = Path(folder, "everything.txt")
        if not upgrade:  # uv keeps what it finds there
            everything.write_text("\n".join(_pins(GROUPS)), "utf-8")
        groups = [f"--group={each}" for each in GROUPS]
        _compile(*groups, f"--output-file={everything}")
        for group in GROUPS:
            options = ["--generate-hashes", f"--constraints={everything}", f"--group={group}"]
            _compile(*options, f"--output-file={LOCKS / f'{group}.lock'}")
        for group in APART:
            newest = ["--upgrade"] if upgrade else []
            options = ["--generate-hashes", f"--group={group}", *newest]
            _compile(*options, f"--output-file={LOCKS / f'{group}.lock'}")
    say("The lock files are up to date; the environments follow with the next command.")


def _pins(groups: Iterable[str]) -> list[str]:
    """Return the current pins of the groups' lock files, without the hashes."""
    locks = [LOCKS / f"{each}.lock" for each in groups]
    texts = [path.read_text("utf-8") for path in locks if path.exists()]
    lines = [line for text in texts for line in text.splitlines() if "==" in line]
    return sorted({line.removesuffix(" \\") for line in lines})


def _compile(*options: str) -> None:
    done = subprocess.run(
        [*_COMPILE, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WorkshopError(f"{done.stderr.strip()}\nThe lock files could not be written.")
