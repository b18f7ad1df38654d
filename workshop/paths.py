"""Where things lie in the repository. Standard library only: the bootstrap needs it."""

import os
import re
from collections.abc import Iterable
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


def find_stage_folders() -> dict[int, str]:
    """Return stage → its folder: stages are numbered without a gap, from 1.

    The first line of a stage's `stage.toml` names its folder. A folder with a similar name, such
    as a copy of one, is no stage. `STAGE_FOLDERS` has the folders as they were when the command
    started.
    """
    found: dict[int, str] = {}
    for path in sorted(ROOT.glob("[0-9][0-9]-*/stage.toml")):
        name = path.parent.name
        if int(name[:2]) == len(found) + 1 and _names_folder(path):
            found[int(name[:2])] = name
    return found


def _names_folder(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().strip() == f'folder = "{path.parent.name}"'


STAGE_FOLDERS = find_stage_folders()
"""Stage → its folder; `workshop.stages` knows what the stage adds."""
STAGES = range(1, len(STAGE_FOLDERS) + 1)
SERVICE_STAGES = tuple(
    stage
    for stage, folder in STAGE_FOLDERS.items()
    if (ROOT / folder / "terraform/patterns").is_dir()
)
"""The stages whose functions events invoke."""
LAST_STAGE = len(STAGE_FOLDERS)
RELEASE_STAGE = int(CICD.name[:2])
"""The stage from which functions have aliases, which a release moves."""


def stage_folder(stage: int) -> Path:
    """Return the folder of a stage, such as ``02-payment``."""
    return ROOT / STAGE_FOLDERS[stage]


def in_stages(pattern: str, stages: Iterable[int] = STAGES, root: Path = ROOT) -> list[Path]:
    """Return what fits a pattern in the stages' folders, stage by stage.

    Args:
        pattern: Relative to a stage's folder, such as ``terraform/*.tf``.
        stages: Of these stages only.
        root: The repository.
    """
    folders = (root / STAGE_FOLDERS[stage] for stage in stages)
    return [path for folder in folders for path in sorted(folder.glob(pattern))]


def stage_packages(root: Path = ROOT) -> list[Path]:
    """Return all packages that stages deploy, such as ``02-payment/payment_service``."""
    found = (path.parent for path in in_stages("*/__init__.py", root=root))
    return [path for path in found if path.name.isidentifier() and path.name != "tests"]


def foreign_stage_folders(root: Path = ROOT) -> list[str]:
    """Return the names of folders that look like a stage's and are none: copies, say."""
    looks_like = re.compile(r"\d\d-")
    return sorted(
        path.name
        for path in root.iterdir()
        if looks_like.match(path.name) and path.name not in STAGE_FOLDERS.values() and path.is_dir()
    )


def name_of_own(path: Path) -> str | None:
    """Return a file's name in the repository; None for others, and for the tools' `.venv`."""
    path = Path(os.path.normpath(path))  # a name such as `../elsewhere` is not ours
    if not path.is_relative_to(ROOT) or path.is_relative_to(VENV):
        return None
    return path.relative_to(ROOT).as_posix()


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
