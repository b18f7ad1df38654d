"""Find the terraform program, its version, and the environment it runs in."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping

from workshop.errors import UsageError

OLDEST = (1, 9)
"""The oldest Terraform that will do; ``terraform/versions.tf`` asks for the same."""

OLDEST_REMOTE = (1, 11)
"""The oldest that locks a state in S3 without a table beside it."""


def find(oldest: tuple[int, int] = OLDEST, why: str = "") -> str:
    """The terraform program.

    Args:
        oldest: The version that will do.
        why: What needs it, to go on a sentence with.

    Raises:
        UsageError: When it is missing or too old.
    """
    wanted = ".".join(map(str, oldest))
    program = shutil.which("terraform")
    if program is None:
        raise UsageError(
            f"Terraform is missing: install version {wanted} or newer "
            "(developer.hashicorp.com/terraform/install) so that `terraform` is found on PATH."
        )
    answer = subprocess.run(
        [program, "version", "-json"],
        env=without_settings(os.environ) | {"CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        version = str(json.loads(answer.stdout)["terraform_version"])
    except (ValueError, KeyError):
        raise UsageError(
            f"Terraform at {program} does not tell its version: install it anew."
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        raise UsageError(f"Terraform {wanted} or newer is needed{why}, {program} is {version}.")
    return program


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would change Terraform's ways: only variables may stay."""
    return {
        key: value
        for key, value in environment.items()
        if not key.startswith("TF_") or key.startswith(("TF_VAR_", "TF_LOG", "TF_PLUGIN_CACHE_DIR"))
    }
