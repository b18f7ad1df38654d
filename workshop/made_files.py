"""What the tools made in this repository, and whether it may go."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_cloud.locking import LockHeldError, exclusive
from local_cloud.process import LocalCloud
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.deployment.target import LOCAL_ACCOUNT
from workshop.errors import WorkshopError
from workshop.exercises import session
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, MARKER, STAGE_FOLDERS, python_of

KEPT = ("progress.json",)
"""Files in `.workshop` that stay: what a learner has done is made by nobody else."""

CACHES = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")
BYTECODE = "__pycache__"
CODE = (*STAGE_FOLDERS.values(), "devtools", "local_cloud", "orderflow", "tests", "workshop")
"""Folders in which Python keeps its bytecode beside our code."""

STATES = ("terraform.tfstate", "errored.tfstate")
"""The files in which Terraform keeps a state, or what it could not write elsewhere."""


def found(root: Path) -> list[Path]:
    """Return what the tools made in a repository; .venv last, as they may run in it.

    What somebody else made with the same names is left out: a .venv without the workshop's mark,
    and whatever git would ignore elsewhere.

    Args:
        root: The repository's folder.
    """
    state = root / ".workshop"
    paths = [each for each in sorted(state.glob("*")) if each.name not in KEPT]
    paths += [root / each for each in CACHES if (root / each).exists()]
    for pattern in CODE:
        paths += sorted(path for folder in root.glob(pattern) for path in folder.rglob(BYTECODE))
    venv = root / ".venv"
    return [*paths, venv] if (venv / MARKER).exists() else paths


def check_unused(root: Path) -> None:
    """Make sure that nothing is lost, or taken from a program that runs.

    Args:
        root: The repository's folder.

    Raises:
        WorkshopError: A local cloud or another command runs, an exercise is under way, or the only
            state of resources in AWS is among the files; the message names the command.
    """
    clouds = root / ".workshop/clouds"
    for path, count in only_states(clouds):
        what = f"{count} resources" if count else "resources that cannot be read"
        bootstrap = any("bootstrap" in each for each in path.relative_to(clouds).parts[1:])
        remedy = "make bootstrap ARGS=--remove" if bootstrap else "make destroy"
        raise WorkshopError(
            f"The only Terraform state of {what} in AWS is {path.relative_to(root)}. Remove them "
            f"first, with the same AWS_REGION and --prefix: {remedy}. If they are gone already, "
            "delete that file."
        )
    for folder in sorted(clouds.glob("*/")):
        if LocalCloud(folder, python_of(LOCAL_CLOUD_ENVIRONMENT)).running():
            where = "" if folder.name == "default" else f"{CLOUD_VARIABLE}={folder.name} "
            raise WorkshopError(
                f"The local cloud {folder.name} is running. Stop it first: "
                f"{where}make down ARGS=--discard"
            )
    for lock in [*sorted(clouds.glob("*.lock")), *sorted(clouds.parent.glob("*.lock"))]:
        try:
            with exclusive(lock, timeout=0):
                pass
        except LockHeldError as error:
            raise WorkshopError(
                f"Another command is running ({lock.stem}). Wait until it has ended."
            ) from error
    if reminder := session.reminder(root):
        raise WorkshopError(reminder)


def only_states(clouds: Path) -> Iterator[tuple[Path, int]]:
    """Yield each Terraform state of resources in AWS that is kept nowhere else, and their number.

    Args:
        clouds: The folder in which the tools keep what they know of clouds. One of an account is
            named aws-ACCOUNT-REGION; a rehearsal's account is the local cloud's.
    """
    for folder in sorted(clouds.glob("aws-*/")):
        if folder.name.startswith(f"aws-{LOCAL_ACCOUNT}-"):
            continue
        for path in sorted(folder.rglob("*.tfstate*")):
            backup = path.suffix == ".backup" and not path.with_suffix("").exists()
            name = path.stem if backup else path.name
            # Terraform's own data holds a file of that name, with the settings of its backend.
            if name not in STATES or "terraform-data" in path.parts:
                continue
            count = _resources(path)
            if count != 0:
                yield path, count or 0


def _resources(state: Path) -> int | None:
    """Return how many resources a state lists; None when it cannot be read."""
    try:
        resources: list[dict[str, Any]] = json.loads(state.read_text("utf-8")).get("resources", [])
        return len([each for each in resources if each.get("mode") == "managed"])
    except (OSError, ValueError, AttributeError):
        return None


def remove(paths: list[Path]) -> None:
    """Delete files and folders; of a link only the link.

    Raises:
        WorkshopError: One cannot be deleted.
    """
    for path in paths:
        if sys.platform == "win32" and (path / MARKER).exists() and path.name == ".venv":
            raise WorkshopError("All is deleted but .venv, in which this runs: delete it yourself.")
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise WorkshopError(f"{path} cannot be deleted ({error.strerror}).") from error
