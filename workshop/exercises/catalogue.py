"""The list of exercises; each is a folder `0N-stage/exercises/<number>-<name>/`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import ROOT, in_stages


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
    """Words in the output of the check when it meets the broken start."""
    needs_stack: bool
    """Whether the check runs on a stack."""
    deploys: bool = False
    """Whether the check deploys the working copy to this stack first."""
    folders: tuple[str, ...] = ()
    """Folders that the learner fills: all their files belong to the exercise."""

    @property
    def stage(self) -> int:
        """The stage it belongs to."""
        return int(self.number[:2])

    @property
    def start(self) -> Path:
        """The patch that breaks the code."""
        return self.folder / "start.patch"

    @property
    def solution(self) -> Path | None:
        """The patch that turns the committed code into the solution; None: it is the solution."""
        patch = self.folder / "solution.patch"
        return patch if patch.exists() else None

    @property
    def check(self) -> Path:
        """The tests that decide whether it is solved."""
        return self.folder / "check.py"


def exercises(root: Path = ROOT) -> list[Exercise]:
    """Return all exercises in their order."""
    return [_read(path) for path in in_stages("exercises/*/exercise.toml", root=root)]


def find(number: str) -> Exercise:
    """Return an exercise by its number.

    Raises:
        UsageError: There is none with this number.
    """
    known = {each.number: each for each in exercises()}
    if number not in known:
        raise UsageError(f"There is no exercise {number}. The exercises are {', '.join(known)}.")
    return known[number]


def _read(path: Path) -> Exercise:
    read = tomllib.loads(path.read_text("utf-8"))
    stage, place = path.parents[2].name[:2], path.parent.name.partition("-")[0]
    return Exercise(
        number=f"{stage}.{place}",
        folder=path.parent,
        title=read["title"],
        task=read["task"].strip(),
        hints=tuple(hint.strip() for hint in read["hints"]),
        says=read["says"],
        needs_stack=read.get("needs_stack", False),
        deploys=read.get("deploys", read.get("needs_stack", False)),
        folders=tuple(read.get("folders", ())),
    )
