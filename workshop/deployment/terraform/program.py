"""Find the terraform program, its version, and the environment it runs in.

Standard library only, as everything that a set-up from nothing needs.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud.locking import exclusive
from workshop.deployment.terraform.pinned import RELEASE
from workshop.errors import UsageError
from workshop.paths import STATE

OLDEST = (1, 9)
"""The oldest Terraform that will do; ``terraform/versions.tf`` asks for the same."""

OLDEST_REMOTE = (1, 11)
"""The oldest that locks a state in S3 without a table beside it."""

OWN = STATE / "terraform"
"""Where a downloaded Terraform is kept: version by version."""

_INSTALL = "developer.hashicorp.com/terraform/install"
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Program:
    """A terraform program that runs here.

    Attributes:
        path: Where it is.
        version: Such as ``1.11.4``.
        downloaded: Whether it is the workshop's own copy; otherwise it is found on PATH.
    """

    path: str
    version: str
    downloaded: bool = False

    def __str__(self) -> str:
        source = "downloaded" if self.downloaded else f"installed: {self.path}"
        return f"Terraform {self.version} ({source})"

    def is_at_least(self, oldest: tuple[int, int]) -> bool:
        """Return whether the version is this one or a newer one."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= oldest


def find(oldest: tuple[int, int] = OLDEST, why: str = "") -> Program:
    """Find the installed terraform program; when it will not do, the workshop's own copy.

    The copy is downloaded when it is missing or damaged.

    Args:
        oldest: The version that will do.
        why: What requires that version, to continue a sentence with.

    Raises:
        UsageError: There is none, and it cannot be downloaded.
    """
    wanted = ".".join(map(str, oldest))
    installed = shutil.which("terraform")
    found = _report(Path(installed)) if installed else None
    if found and found.is_at_least(oldest):
        return found
    path = OWN / RELEASE.version / ("terraform.exe" if os.name == "nt" else "terraform")
    if own := _report(path, downloaded=True):
        return own
    if installed:
        version = f"found {found.version} at" if found else "no version is reported by"
        _say(
            f"Terraform {wanted} or newer is required{why} ({version} {installed}). "
            "A copy of the workshop's own is downloaded and used."
        )
    return _download(path, wanted)


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the settings that change Terraform; its variables may stay."""
    return {
        key: value
        for key, value in environment.items()
        if not key.startswith("TF_") or key.startswith(("TF_VAR_", "TF_LOG", "TF_PLUGIN_CACHE_DIR"))
    }


def _report(path: Path, *, downloaded: bool = False) -> Program | None:
    """Ask a program for its version; None when it is missing, or does not run."""
    try:
        answer = subprocess.run(
            [path, "version", "-json"],
            env=without_settings(os.environ) | {"CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        version = str(json.loads(answer.stdout)["terraform_version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Program(str(path), version, downloaded) if re.match(r"\d+\.\d+", version) else None


def _download(path: Path, wanted: str) -> Program:
    """Download the workshop's own copy, unless another command does so meanwhile.

    Args:
        path: Where it will be.
        wanted: The oldest version that will do, for the message.

    Raises:
        UsageError: With what happened and what to do.
    """
    from workshop.deployment.terraform import download  # noqa: PLC0415 - slow, and seldom needed

    own = None
    waiting = "Another command is downloading Terraform; waiting for it …"
    try:
        with exclusive(OWN / "download.lock", waiting):
            if _report(path) is None:
                download.fetch(path, RELEASE)
        own = _report(path, downloaded=True)
        what, remedy = f"{path} does not run", "Delete it and run `make setup` again"
    except download.DownloadError as error:
        what, remedy = str(error), error.remedy
    except OSError as error:
        full = error.errno in _FULL_DISK
        what = "the disk is full" if full else f"{OWN} cannot be written ({error.strerror})"
        remedy = f"{'Free 150 MB' if full else 'Make it writable'} and run `make setup` again"
    if own:
        return own
    raise UsageError(
        f"Terraform {RELEASE.version} could not be downloaded: {what}. "
        f"{remedy}, or install Terraform {wanted} or newer from {_INSTALL}."
    )


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
