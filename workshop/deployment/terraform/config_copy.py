"""A copy of the Terraform configuration, for a deployment to an account.

Where its state is kept is written beside the copy, so the repository's own root knows of no bucket.
The copy has the repository's layout, bundles included: every path that gets into a state or a plan
is relative, and so the same on every machine.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.deployment.terraform.runner import REPOSITORY, Configuration
from workshop.paths import BUNDLES, ROOT, TERRAFORM, TERRAFORM_LOCK, stage_packages

FOLDER = "configuration"
BACKEND = "backend.tf.json"

Backend = Mapping[str, Any]
"""The settings of Terraform's S3 backend."""


def write(directory: Path, backend: Backend | None, root: Path = TERRAFORM) -> Configuration:
    """Copy the configuration, as it is now, to a target's directory.

    Args:
        directory: The target's.
        backend: Where the state is kept; None for a file on this machine.
        root: The root module in the repository.
    """
    base = directory / FOLDER
    copied_root = base / root.relative_to(ROOT)
    wanted = {path.relative_to(ROOT): path.read_bytes() for path in REPOSITORY.files()}
    wanted |= {path.relative_to(ROOT): path.read_bytes() for path in bundle_files()}
    wanted[root.relative_to(ROOT) / TERRAFORM_LOCK.name] = TERRAFORM_LOCK.read_bytes()
    if backend is not None:
        settings = json.dumps({"terraform": {"backend": {"s3": dict(backend)}}}, indent=1)
        wanted[root.relative_to(ROOT) / BACKEND] = settings.encode()
    for path in base.rglob("*"):
        # A state that Terraform could not bring home lies here, too, and is nowhere else.
        if path.is_file() and path.relative_to(base) not in wanted and path.suffix != ".tfstate":
            path.unlink()
    for name, data in wanted.items():
        path = base / name
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return Configuration(base, copied_root, remote=backend is not None)


def of(directory: Path) -> Configuration:
    """What a target's stack is deployed from, as it is now: the repository itself, or its copy."""
    root = directory / FOLDER / TERRAFORM.name
    if not root.exists():
        return REPOSITORY
    try:
        settings = json.loads((root / BACKEND).read_text("utf-8"))
    except FileNotFoundError:
        return write(directory, None)
    return write(directory, settings["terraform"]["backend"]["s3"])


def bundle_files() -> list[Path]:
    """The bundles of this checkout's packages that have been built."""
    paths = (BUNDLES / f"{package.name}.zip" for package in stage_packages())
    return [path for path in paths if path.exists()]
