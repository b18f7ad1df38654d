"""The command that deletes what the tools made."""

import typer

from workshop import made_files
from workshop.board import process
from workshop.console import say
from workshop.paths import ROOT

app = typer.Typer()


@app.command()
def clean() -> None:
    """Delete what the tools made: environments, downloads, stored local clouds, caches.

    Your progress and all you wrote stay. It refuses while a local cloud runs, an exercise is under
    way, or the only Terraform state of a stack in AWS is among the files. It ends all boards.
    """
    made_files.check_unused(ROOT)
    process.stop_all(ROOT / ".workshop/clouds")
    paths = made_files.found(ROOT)
    names = dict.fromkeys(path.relative_to(ROOT).parts[0] for path in paths)
    folders = [each for each in names if each.startswith(".")]
    if any(path.name == made_files.BYTECODE for path in paths):
        folders.append(made_files.BYTECODE)
    say(f"Deleting {', '.join(folders)} …" if folders else "There is nothing to delete.")
    made_files.remove(paths)
