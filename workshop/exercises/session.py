"""An exercise under way: started, solved, put back.

All that is remembered is two commits: of the working copy as it was (`BEFORE`), and of the broken
start that follows it (`UNDER_WAY`). They are written before anything is changed and forgotten after
everything is back, so a session that is killed at any moment can be reset.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workshop.errors import EXPECTED, WorkshopError
from workshop.exercises.catalogue import Exercise
from workshop.exercises.snapshots import Repository
from workshop.paths import ROOT

UNDER_WAY = "refs/worktree/exercise"
"""The broken start; its message is the exercise's number. Each `git worktree` has its own."""
BEFORE = f"{UNDER_WAY}^"
"""The working copy as it was before the exercise; its parent is what HEAD was."""
KEPT = "refs/workshop/kept"
"""What the learner had, whenever it was taken away."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken away, and where it is kept.

    Attributes:
        paths: Files that are not what they were a moment ago.
        kept: The reference that holds what they were; None when nothing was taken.
        left: Files outside the exercise that have changed since it began, and stay.
        moved: Whether the learner has committed since, or is on another branch.
    """

    paths: list[str]
    kept: str | None
    left: list[str]
    moved: bool = False


def under_way(root: Path = ROOT) -> str | None:
    """Return the number of the exercise that is under way, or None."""
    return Repository(root).message(UNDER_WAY)


def known_under_way(root: Path = ROOT) -> str | None:
    """As `under_way`; None also in a downloaded archive, which has no exercises."""
    try:
        return under_way(root)
    except EXPECTED:
        return None


def reminder(root: Path = ROOT) -> str | None:
    """Return a sentence for who may have forgotten that an exercise is under way."""
    number = known_under_way(root)
    if number is None:
        return None
    return (
        f"Exercise {number} is under way, so something is broken on purpose. "
        f'Put it back: make exercise ARGS="{number} reset"'
    )


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
    except EXPECTED as error:
        raise WorkshopError(
            f"Exercise {exercise.number} cannot begin: {' and '.join(paths)} "
            "is not what it expects. Put your own change aside (git stash), then start again. "
            "Nothing was changed."
        ) from error
    was = repository.commit_tree(before, f"Before {exercise.number}", repository.name_of("HEAD"))
    repository.commit(broken, exercise.number, UNDER_WAY, was)
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
        WorkshopError: The exercise is not under way; or everything shall be taken back, and some of
            it is committed.
    """
    repository = _at_work(exercise, root)
    moved = repository.name_of("HEAD") != repository.name_of(f"{BEFORE}^")
    if everything and moved:
        raise WorkshopError(
            f"You have committed since exercise {exercise.number} began, or are on another branch, "
            "and --all would undo that, too. Go back to the commit where you began, or reset "
            "without --all. Nothing was changed."
        )
    now = repository.snapshot()
    changed, own = repository.changed(BEFORE, now), _paths(repository, exercise)
    back = [path for path in changed if everything or path in own]
    kept = _keep(repository, exercise, now, back)
    repository.restore(BEFORE, back)
    repository.forget(UNDER_WAY)
    return Taken(back, kept, [path for path in changed if path not in back], moved)


def require(exercise: Exercise, root: Path = ROOT) -> None:
    """See that an exercise is under way.

    Raises:
        WorkshopError: It is not; the message names the command.
    """
    number = under_way(root)
    if number is None:
        raise WorkshopError(
            f'Exercise {exercise.number} is not under way: make exercise ARGS="{exercise.number} '
            'start"'
        )
    if number != exercise.number:
        raise WorkshopError(f"Exercise {number} is under way, not {exercise.number}.")


def _at_work(exercise: Exercise, root: Path) -> Repository:
    require(exercise, root)
    repository = Repository(root)
    repository.clean(_paths(repository, exercise))
    return repository


def _paths(repository: Repository, exercise: Exercise) -> list[str]:
    """The files of the exercise as it was when it began: its patches may have changed since."""
    paths = set(repository.changed(BEFORE, UNDER_WAY))
    return sorted(paths | {*(repository.paths_of(exercise.solution) if exercise.solution else ())})


def _solved(repository: Repository, exercise: Exercise) -> str:
    return repository.patched(BEFORE, exercise.solution) if exercise.solution else BEFORE


def _keep(repository: Repository, exercise: Exercise, now: str, paths: list[str]) -> str | None:
    """Keep the working copy as it is now, if these files hold any work of the learner's."""
    ours = [UNDER_WAY, BEFORE]
    with suppress(WorkshopError):  # a solution that does not fit any more was not put in place
        ours.append(_solved(repository, exercise))
    if any(not set(paths) & set(repository.changed(now, tree)) for tree in ours):
        return None
    name = f"{KEPT}/{exercise.number}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    repository.commit(now, f"Your copy of exercise {exercise.number}", name, UNDER_WAY)
    return name
