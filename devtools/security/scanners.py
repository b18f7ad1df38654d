"""The scanners: programs in their own environment, and their reports."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import WorkshopError
from workshop.paths import SECURITY_ENVIRONMENT, python_of

_SCHEMAS = {
    "vendor.github-workflows": "workflows/*.y*ml",
    "vendor.github-actions": "actions/*/action.y*ml",
    "vendor.dependabot": "dependabot.y*ml",
}
"""A schema of check-jsonschema → the files in .github that must match it."""


@dataclass(frozen=True)
class Failure:
    """A resource that fails one of Checkov's checks."""

    check: str
    resource: str
    meaning: str


def zizmor(root: Path, *options: str) -> str:
    """Return zizmor's findings in a repository's workflows; empty if there are none.

    The strictest persona, `auditor`, also reports possible problems.
    """
    always = ("--offline", "--quiet", "--persona=auditor", "--strict-collection", "--format=plain")
    return _findings(root, _program("zizmor"), *always, *options, str(root / ".github"))


def schemas(root: Path) -> str:
    """Return the places where files in .github break GitHub's schemas; empty if there are none."""
    found = ""
    for schema, pattern in _SCHEMAS.items():
        if files := sorted(map(str, (root / ".github").glob(pattern))):
            command = [_program("check-jsonschema"), f"--builtin-schema={schema}", *files]
            found += _findings(root, *command)
    return found


def checkov(plans: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Failure]]:
    """Return Checkov's findings for each plan, from one run, because it starts slowly.

    Args:
        plans: A name → a plan in Terraform's JSON form. No two may have a resource of one address.

    Raises:
        WorkshopError: Checkov itself failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, plan in plans.items():
            Path(folder, f"{name}.json").write_text(json.dumps(plan), "utf-8")
        done = _run(
            Path(folder),
            *(str(python_of(SECURITY_ENVIRONMENT)), "-m", "checkov.main"),
            *("--framework=terraform_plan", "--skip-download", "--quiet", "--compact"),
            *("--output=json", "--soft-fail", "--file", *(f"{name}.json" for name in plans)),
            # It creates a cache in the home directory, and would read a configuration there.
            home=folder,
        )
    try:
        report = json.loads(done.stdout)
        failed = report["results"]["failed_checks"]
        complete = report["summary"]["parsing_errors"] == 0
    except (ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise WorkshopError(f"{done.stdout}{done.stderr}\nCheckov could not read the plans.")
    found: dict[str, list[Failure]] = {name: [] for name in plans}
    for each in failed:
        name = Path(each["file_path"]).stem
        found[name].append(Failure(each["check_id"], each["resource"], each["check_name"]))
    return found


def _program(name: str) -> str:
    return str(python_of(SECURITY_ENVIRONMENT).with_name(name))


def _findings(directory: Path, *command: str) -> str:
    """Return a scanner's output when its exit code reports findings or a failure; else nothing."""
    done = _run(directory, *command)
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def _run(directory: Path, *command: str, home: str = "") -> subprocess.CompletedProcess[str]:
    elsewhere = {"HOME": home, "USERPROFILE": home} if home else {}
    return subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"} | elsewhere,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
