"""An exercise under way: started, solved, put back.

All that is remembered is a commit of the working copy as it was (`UNDER_WAY`). It is written before
anything is changed and removed after everything is back, so a session that is killed at any moment
can be reset.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workshop.errors import WorkshopError
from workshop.exercises.catalogue import Exercise
from workshop.exercises.snapshots import Repository
from workshop.paths import ROOT

UNDER_WAY = "refs/workshop/exercise"
"""The working copy as it was before the exercise; its message is the exercise's number."""
KEPT = "refs/workshop/kept"
"""What the learner had, whenever it was taken away."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken away, and where it is kept.

    Attributes:
        paths: Files that are not what they were a moment ago.
        kept: The reference that holds what they were; None when nothing was taken.
        left: Files outside the exercise that have changed since it began, and stay.
    """

    paths: list[str]
    kept: str | None
    left: list[str]


def under_way(root: Path = ROOT) -> str | None:
    """Return the number of the exercise that is under way, or None."""
    return Repository(root).message(UNDER_WAY)


def start(exercise: Exercise, root: Path = ROOT) -> list[str]:
    """Put an exercise's broken start in place; return the files that it changed.

    Raises:
        WorkshopError: Another one is under way, or the files are not as the exercise needs them.
            Nothing was changed.
    """
    repository = Repository(root)
    if other := repository.message(UNDER_WAY):
        raise WorkshopError(
            f'Exercise {other} is under way. Put it back first: make exercise ARGS="{other} reset"'
        )
    before = repository.snapshot()
    paths = repository.paths_of(exercise.start)
    try:
        broken = repository.patched(before, exercise.start)
    except WorkshopError as error:
        raise WorkshopError(
            f"Exercise {exercise.number} cannot begin: {' and '.join(paths)} "
            "is not what it expects. Put your own change aside (git stash), then start again. "
            "Nothing was changed."
        ) from error
    repository.commit(before, exercise.number, UNDER_WAY)
    repository.restore(broken, paths)
    return paths


def solve(exercise: Exercise, *, colour: bool, root: Path = ROOT) -> tuple[str, Taken]:
    """Put the solution in place; return it as a difference, and what it took the place of.

    Raises:
        WorkshopError: The exercise is not under way.
    """
    repository = _at_work(exercise, root)
    paths, solved = _paths(repository, exercise), _solved(repository, exercise)
    now = repository.snapshot()
    shown = repository.difference(now, solved, paths, colour=colour)
    changed = [path for path in repository.changed(now, solved) if path in paths]
    kept = _keep(repository, exercise, now, changed)
    repository.restore(solved, changed)
    return shown, Taken(changed, kept, [])


def reset(exercise: Exercise, *, everything: bool = False, root: Path = ROOT) -> Taken:
    """Make the working copy what it was before the exercise.

    Args:
        exercise: the one that is under way.
        everything: take back what has changed outside the exercise's files, too.
        root: the working copy.

    Raises:
        WorkshopError: The exercise is not under way.
    """
    repository = _at_work(exercise, root)
    before, now = repository.tree_of(UNDER_WAY), repository.snapshot()
    changed, own = repository.changed(before, now), _paths(repository, exercise)
    back = [path for path in changed if everything or path in own]
    kept = _keep(repository, exercise, now, back)
    repository.restore(before, back)
    repository.forget(UNDER_WAY)
    return Taken(back, kept, [path for path in changed if path not in back])


def _at_work(exercise: Exercise, root: Path) -> Repository:
    repository = Repository(root)
    number = repository.message(UNDER_WAY)
    if number is None:
        raise WorkshopError(
            f'Exercise {exercise.number} is not under way: make exercise ARGS="{exercise.number} '
            'start"'
        )
    if number != exercise.number:
        raise WorkshopError(f"Exercise {number} is under way, not {exercise.number}.")
    return repository


def _paths(repository: Repository, exercise: Exercise) -> list[str]:
    patches = [exercise.start, *([exercise.solution] if exercise.solution else [])]
    return sorted({path for patch in patches for path in repository.paths_of(patch)})


def _solved(repository: Repository, exercise: Exercise) -> str:
    before = repository.tree_of(UNDER_WAY)
    return repository.patched(before, exercise.solution) if exercise.solution else before


def _keep(repository: Repository, exercise: Exercise, now: str, paths: list[str]) -> str | None:
    """Keep the working copy as it is now, if these files hold any work of the learner's."""
    broken = repository.patched(repository.tree_of(UNDER_WAY), exercise.start)
    ours = (broken, _solved(repository, exercise), repository.tree_of(UNDER_WAY))
    if any(not set(paths) & set(repository.changed(now, tree)) for tree in ours):
        return None
    name = f"{KEPT}/{exercise.number}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    repository.commit(now, f"Your copy of exercise {exercise.number}", name)
    return name
