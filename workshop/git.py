"""Ask git, without the caller's `GIT_` variables, and report in a sentence when it cannot help."""

import os
import subprocess
from pathlib import Path

from workshop.errors import UsageError, WorkshopError


def run(folder: Path, *command: str, check: bool = True) -> str:
    """Run git and return its output.

    Args:
        folder: Where it works.
        command: What follows `git`.
        check: Whether a failure is an error; otherwise it returns "".

    Raises:
        UsageError: git is not installed, or the folder is no repository that git would read.
        WorkshopError: It failed; the message is git's.
    """
    own = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *command],
            cwd=folder,
            env={**own, "LC_ALL": "C"},  # its messages are read here
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        if not folder.is_dir():
            raise
        raise UsageError("git is missing: install it, then run this again.") from error
    if done.returncode and check:
        raise _failure(folder, done.stderr.strip())
    return "" if done.returncode else done.stdout


def _failure(folder: Path, said: str) -> WorkshopError:
    if "dubious ownership" in said:
        return UsageError(
            "git does not read a repository that belongs to another user. If you trust it: "
            f"git config --global --add safe.directory '{folder}'"
        )
    if said.startswith("fatal: not a git repository (or any"):
        return UsageError(
            "This is not a git repository, which the command needs: get the workshop with git "
            "clone."
        )
    return WorkshopError(said)
