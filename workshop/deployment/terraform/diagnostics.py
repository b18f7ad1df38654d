"""Terraform's errors, in a form that a person can read."""

import os
from pathlib import Path

from workshop.deployment.terraform import provider_mirror
from workshop.deployment.terraform.progress import Event
from workshop.errors import WorkshopError
from workshop.paths import ROOT


class TerraformError(WorkshopError):
    """Terraform failed; the message holds its own errors."""


def readable(diagnostic: Event, root: Path) -> str:
    """An error as Terraform means it: what, where, why."""
    where = diagnostic.get("address", "")
    if place := diagnostic.get("range"):
        path = os.path.relpath(root / place["filename"], ROOT)
        where = f"{where} {path}:{place['start']['line']}".strip()
    lines = [f"  ✗ {diagnostic['summary']}" + (f" ({where})" if where else "")]
    lines += [f"    {line}" for line in diagnostic.get("detail", "").splitlines() if line.strip()]
    return "\n".join(lines)


def init_failure(output: str) -> str:
    """Return what a failed `terraform init` means, from its own output."""
    provider = provider_mirror.locked_provider()
    offline = ("Failed to query available provider", "could not connect", "Failed to install")
    if any(sign in output for sign in offline):
        return (
            f"Terraform's provider {provider.address} {provider.version} is not on this machine "
            "and cannot be downloaded: connect to the internet, or put it in a plugin directory, "
            f"~/.terraform.d/plugins/{provider.address}/{provider.version}/{provider_mirror.machine()}/."
        )
    return f"{output.strip()}\nTerraform could not be prepared; what it said stands above."
