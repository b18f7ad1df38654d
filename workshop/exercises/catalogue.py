"""Which exercises there are; each is a folder `0N-stage/exercises/<number>-<name>/`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import ROOT


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise, as its folder describes it."""

    number: str
    """Stage and place in it, such as `03.2`."""
    folder: Path
    title: str
    task: str
    hints: tuple[str, ...]
    says: str
    """Words that the first check of the broken start says."""
    needs_stack: bool
    """Whether only a cloud can judge it."""

    @property
    def stage(self) -> int:
        """The stage it belongs to."""
        return int(self.number[:2])

    @property
    def start(self) -> Path:
        """The patch that puts the broken start in place."""
        return self.folder / "start.patch"

    @property
    def solution(self) -> Path | None:
        """The patch to the code as it was that solves it; None: the code as it was does."""
        patch = self.folder / "solution.patch"
        return patch if patch.exists() else None

    @property
    def check(self) -> Path:
        """The tests that say whether it is solved."""
        return self.folder / "check.py"


def exercises(root: Path = ROOT) -> list[Exercise]:
    """Return all exercises, in the order in which they are done."""
    return [_read(path) for path in sorted(root.glob("0[1-9]-*/exercises/*/exercise.toml"))]


def find(number: str) -> Exercise:
    """Return an exercise by its number.

    Raises:
        UsageError: There is none with this number.
    """
    known = {each.number: each for each in exercises()}
    if number not in known:
        raise UsageError(f"There is no exercise {number}. There are {', '.join(known)}.")
    return known[number]


def _read(path: Path) -> Exercise:
    told = tomllib.loads(path.read_text("utf-8"))
    stage, place = path.parents[2].name[:2], path.parent.name.partition("-")[0]
    return Exercise(
        number=f"{stage}.{place}",
        folder=path.parent,
        title=told["title"],
        task=told["task"].strip(),
        hints=tuple(hint.strip() for hint in told["hints"]),
        says=told["says"],
        needs_stack=told.get("needs_stack", False),
    )
