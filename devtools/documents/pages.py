"""Which pages there are, in the order in which they are read."""

import subprocess
from pathlib import Path

from workshop.paths import LAST_STAGE, NOTEBOOKS, ROOT, STAGES, stage_folder

README = ROOT / "README.md"


def lessons() -> list[Path]:
    """Return the lessons, from stage 1 to the last."""
    folders = (stage_folder(stage) for stage in STAGES if stage <= LAST_STAGE)
    return [folder / "README.md" for folder in folders if folder]


def pages() -> list[Path]:
    """Return every page: README, lessons, then what is looked up, then the rest."""
    first = [README, *lessons(), NOTEBOOKS / "README.md"]
    others = {path for path in tracked(ROOT, "*.md") if path not in first}
    return first + sorted(others, key=lambda path: (path.parent != ROOT / "docs", path))


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Return the files that git knows or would take, sorted; a pattern is git's pathspec.

    Args:
        root: a folder inside the repository.
        patterns: such as `*.md`; none: all.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    listed = subprocess.run(
        [*command, *patterns], cwd=root, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    found = {root / name for name in listed.split("\0") if name}
    return sorted(path for path in found if path.is_file())
