"""The pages, in reading order."""

from pathlib import Path

from workshop import git
from workshop.paths import NOTEBOOKS, ROOT, STAGES, stage_folder

README = ROOT / "README.md"


def lessons() -> list[Path]:
    """Return the lessons, from stage 1 to the last."""
    return [stage_folder(stage) / "README.md" for stage in STAGES]


def pages() -> list[Path]:
    """Return every page: README, lessons, then reference pages, then the rest.

    The tests' input files are not pages.
    """
    first = [README, *lessons(), NOTEBOOKS / "README.md"]
    others = {path for path in tracked(ROOT, "*.md", ":!tests/") if path not in first}
    return first + sorted(others, key=lambda path: (path.parent != ROOT / "docs", path))


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Return the files that git tracks or would add, sorted.

    Args:
        root: A folder inside the repository.
        patterns: Git's pathspecs, such as `*.md`; none: all.

    Raises:
        UsageError: Git is missing, or cannot read the folder's repository.
    """
    listed = git.run(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns
    )
    found = {root / name for name in listed.split("\0") if name}
    return sorted(path for path in found if path.is_file())
