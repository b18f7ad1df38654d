"""A copy of the working copy to run the pages in, so that they do not change yours."""

import os
import shutil
from pathlib import Path

from devtools.documents.pages import tracked
from workshop import git
from workshop.paths import ROOT

LINKED = (
    ".venv",
    ".workshop/local-cloud-env",
    ".workshop/function-dependencies",
    ".workshop/terraform",
    ".workshop/terraform-plugins",
    ".workshop/clouds",
)
"""Folders that take minutes or a download to create, and the clouds, which are cleaned up there."""

_FOREIGN = ("AWS_", "GIT_", "GITHUB_", "MAKE", "PYTEST_", "TF_VAR_", "WORKSHOP_")
_NAMES = (
    *("ALARM_EMAIL", "ARGS", "CONFIRM_DESTROY", "FORCE_COLOR", "MFLAGS", "NAME_PREFIX", "ORDER"),
    *("PYTHONPATH", "STAGE", "TTY_COMPATIBLE"),
)

_OFFLINE = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
"""No command of a page fills an environment, which is this checkout's: it fails instead."""

_IDENTITY = ("-c", "user.name=workshop", "-c", "user.email=workshop@localhost")
_PLAIN = ("-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0")


def make(directory: Path) -> Path:
    """Copy the files that git tracks or would add, as a repository of one commit.

    The environments and the clouds are links to those of this checkout: create them first.

    Args:
        directory: The new folder; it must not exist yet.
    """
    for path in tracked(ROOT):
        copy = directory / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy, follow_symlinks=False)
    for name in LINKED:
        if (ROOT / name).exists():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).symlink_to(ROOT / name, target_is_directory=True)
    git.run(directory, "init", "--quiet", "--initial-branch=main")
    # .gitignore has `.venv/`, a folder; a link is none.
    (directory / ".git/info/exclude").write_text("/.venv\n", "utf-8")
    git.run(directory, "add", "--all")
    git.run(directory, *_IDENTITY, *_PLAIN, "commit", "--quiet", "--message=As it is")
    return directory


def environment(cloud: str) -> dict[str, str]:
    """Return the environment variables of a learner's new terminal, for a cloud."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _NAMES
    }
    return clean | _OFFLINE | {"WORKSHOP_CLOUD": cloud, "PYTHONUTF8": "1"}
