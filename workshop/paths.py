"""Where things lie in the repository. Standard library only: the bootstrap needs it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TERRAFORM = ROOT / "terraform"
CICD = ROOT / "06-cicd"
NOTEBOOKS = ROOT / "notebooks"
TERRAFORM_LOCK = TERRAFORM / ".terraform.lock.hcl"

MAKEFILE = ROOT / "Makefile"
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
MARKER = "made-from.json"
"""The file that an environment gets when it is complete."""
STATE = ROOT / ".workshop"
"""Everything the tools make and nobody commits."""
LOCAL_CLOUD_ENVIRONMENT = STATE / "local-cloud-env"
SECURITY_ENVIRONMENT = STATE / "security-env"
FUNCTION_DEPENDENCIES = STATE / "function-dependencies"
BUNDLES = STATE / "bundles"
CLOUDS = STATE / "clouds"

STAGES = range(1, 7)
LAST_STAGE = STAGES[-1]
RECOVERY_STAGE = 5
"""The stage that brings the dead-letter queues, the redrive and the reconciler."""


def stage_folder(stage: int) -> Path | None:
    """The folder of a stage, such as ``02-payment``; None when the stage has none yet."""
    return next(iter(sorted(ROOT.glob(f"{stage:02d}-*/"))), None)


def stage_packages(root: Path = ROOT) -> list[Path]:
    """All packages that stages deploy, such as ``02-payment/payment_service``: a bundle each."""
    found = (path.parent for path in root.glob("0[1-9]-*/*/__init__.py"))
    return sorted(path for path in found if path.name not in {"terraform", "tests"})


def name_of_own(path: Path) -> str | None:
    """Return a file's name in the repository; None for others, and for the tools' `.venv`."""
    path = Path(os.path.normpath(path))  # a name such as `../elsewhere` is not ours
    if not path.is_relative_to(ROOT) or path.is_relative_to(VENV):
        return None
    return path.relative_to(ROOT).as_posix()


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
