"""Try a later major version of Terraform's AWS provider (docs/adr/0017)."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from workshop.deployment.terraform import program
from workshop.deployment.terraform.runner import Configuration
from workshop.errors import WorkshopError
from workshop.paths import CICD, ROOT, TERRAFORM, TERRAFORM_LOCK

_CONSTRAINT = re.compile(r'(source\s*=\s*"hashicorp/aws"\s*version\s*=\s*)"~> ([\d.]+)"')


def lock_newest(root: Path = ROOT) -> None:
    """Allow every later version of the provider, and lock the newest that Terraform finds.

    Args:
        root: The repository's folder; its files are changed.

    Raises:
        WorkshopError: Terraform found no provider; its output says why.
    """
    stack, bootstrap = (root / each.relative_to(ROOT) for each in (TERRAFORM, CICD / "terraform"))
    for path in Configuration(root, stack).files():
        if path.name == "versions.tf":
            text = path.read_text("utf-8")
            path.write_text(_CONSTRAINT.sub(r'\1">= \2"', text), "utf-8")
    (stack / TERRAFORM_LOCK.name).unlink()  # with it, Terraform keeps the constraint it read before
    with tempfile.TemporaryDirectory() as data:
        command = ["init", "-backend=false", "-no-color"]
        done = subprocess.run(
            [program.find().path, f"-chdir={stack}", *command],
            env=os.environ | {"TF_DATA_DIR": data},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise WorkshopError(f"{done.stderr.strip()}\nThe provider could not be locked.")
    shutil.copyfile(stack / TERRAFORM_LOCK.name, bootstrap / TERRAFORM_LOCK.name)
