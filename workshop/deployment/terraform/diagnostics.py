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
    """Return an error in lines that say what, where and why.

    Args:
        diagnostic: The error, as Terraform reports it in JSON.
        root: The root module in the repository, to name files from.
    """
    where = diagnostic.get("address", "")
    if place := diagnostic.get("range"):
        path = os.path.relpath(root / place["filename"], ROOT)
        where = f"{where} {path}:{place['start']['line']}".strip()
    lines = [f"  ✗ {diagnostic['summary']}" + (f" ({where})" if where else "")]
    lines += [f"    {line}" for line in diagnostic.get("detail", "").splitlines() if line.strip()]
    return "\n".join(lines)


def needs_init(errors: str) -> bool:
    """Return whether errors say that the provider or the modules are missing or damaged."""
    return "Required plugins are not installed" in errors or "Module not installed" in errors


def is_damaged(output: str) -> bool:
    """Return whether a failed `terraform init` found a provider with another checksum."""
    return "match any of the checksums" in " ".join(output.split())


def init_failure(output: str) -> str:
    """Return what a failed `terraform init` means, from its own output."""
    locked = provider_mirror.locked_provider()
    provider = f"Terraform's provider {locked.address} {locked.version}"
    folder = f"{locked.address}/{locked.version}/{provider_mirror.machine()}/"
    if is_damaged(output):
        return (
            f"{provider} on this machine is damaged, its checksum is not the locked one: delete "
            f"{folder} in the plugin directory that .workshop/terraform.rc or your own "
            "configuration of Terraform names, then run this again."
        )
    offline = ("Failed to query available provider", "could not connect", "Failed to install")
    if any(sign in output for sign in offline):
        return (
            f"{provider} is not on this machine and cannot be downloaded: connect to the internet, "
            f"or put it in a plugin directory, ~/.terraform.d/plugins/{folder}."
        )
    return f"{output.strip()}\nTerraform could not be prepared; see its output above."
