"""An exercise under way: started, solved and reset with `git apply` and `git stash`.

The files of an exercise equal HEAD when it starts, so a reset only stashes what the learner wrote.
The record is written before the first file changes and deleted after the last one is back: an
exercise that is interrupted at any moment can be reset.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workshop.console import say
from workshop.errors import UsageError, WorkshopError
from workshop.exercises.catalogue import Exercise
from workshop.files import write_atomically
from workshop.paths import ROOT


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The record of the exercise that is under way, in `.workshop/exercise.json`.

    Attributes:
        number: The exercise, such as `03.1`.
        files: What its patches change, from the root of the repository.
        commit: HEAD at the start.
        placed: Fingerprint of the files as `start` or `solve` left them.
    """

    number: str
    files: list[str]
    commit: str
    placed: str = ""


def under_way(root: Path = ROOT) -> str | None:
    """Return the number of the exercise that is under way, or None."""
    known = _load(root)
    return known.number if known else None


def reminder(root: Path = ROOT) -> str | None:
    """Return a sentence that says which exercise is under way, or None."""
    number = under_way(root)
    if number is None:
        return None
    return (
        f"Exercise {number} is under way, so something is broken on purpose. "
        f'Reset it: make exercise ARGS="{number} reset"'
    )


def require(exercise: Exercise, root: Path = ROOT) -> UnderWay:
    """Return the record of an exercise.

    Raises:
        UsageError: The exercise is not under way.
    """
    known = _load(root)
    if known is None:
        raise UsageError(
            f"Exercise {exercise.number} is not under way: "
            f'make exercise ARGS="{exercise.number} start"'
        )
    if known.number != exercise.number:
        raise UsageError(
            f"Exercise {known.number} is under way, not {exercise.number}. "
            f'Reset it first: make exercise ARGS="{known.number} reset"'
        )
    return known


def start(exercise: Exercise, root: Path = ROOT) -> list[str]:
    """Apply the broken start of an exercise; return the files that it changed.

    Raises:
        UsageError: Another exercise is under way, the learner has changed the files, or the folder
            is not a git repository. Nothing was changed.
        WorkshopError: The patch does not fit the committed files. Nothing was changed.
    """
    if other := under_way(root):
        raise UsageError(
            f'Exercise {other} is under way. Reset it first: make exercise ARGS="{other} reset"'
        )
    own = (root / ".git").exists()  # then git's own words say what is wrong with it
    top = _git(root, "rev-parse", "--show-toplevel", check=own).strip()
    if not top or not root.samefile(top):
        raise UsageError(
            "This is not a git repository, which an exercise needs to bring your files back: "
            "get the workshop with git clone."
        )
    started = _files_of(exercise.start, root)
    files = sorted({*started, *(_files_of(exercise.solution, root) if exercise.solution else ())})
    if changed := " ".join(_changes(files, root)):
        raise UsageError(
            f"Exercise {exercise.number} cannot start, because these files have changes of yours: "
            f"{changed}\n"
            f"Commit or stash them first: git stash push --include-untracked -- {changed}"
        )
    try:
        _apply(exercise.start, root, "--check")
    except WorkshopError as error:
        raise WorkshopError(
            f"Exercise {exercise.number} cannot start: its patch does not fit the files as you "
            f"have committed them.\n{error}"
        ) from error
    known = UnderWay(exercise.number, files, _git(root, "rev-parse", "HEAD").strip())
    _save(known, root)
    _apply(exercise.start, root)
    _save(replace(known, placed=_fingerprint(files, root)), root)
    return started


def solve(exercise: Exercise, *, colour: bool, root: Path = ROOT) -> str:
    """Stash the learner's attempt and put the solution in place; return it as a diff.

    Raises:
        WorkshopError: The exercise is not under way, or commits since its start have changed its
            files. Nothing was changed.
    """
    known = require(exercise, root)
    if names := _committed(known, root):
        raise WorkshopError(
            f"Commits since the start have changed {names}, so the solution does not fit. Reset "
            "the exercise: it shows how to bring back what was there before. Nothing was changed."
        )
    if exercise.solution:
        shown = exercise.solution.read_text("utf-8")
    else:
        shade = "--color=always" if colour else "--color=never"
        options = ("-R", "--no-ext-diff", "--no-prefix", shade)
        shown = _git(root, "diff", *options, "HEAD", "--", *known.files)
    _put_aside(known, root)
    if exercise.solution:
        _apply(exercise.solution, root)
    _save(replace(known, placed=_fingerprint(known.files, root)), root)
    return shown


def reset(exercise: Exercise, root: Path = ROOT) -> None:
    """Stash the learner's attempt, so that the exercise's files equal HEAD again.

    Raises:
        WorkshopError: The exercise is not under way, or git cannot stash.
    """
    known = require(exercise, root)
    _put_aside(known, root)
    if names := _committed(known, root):
        say(
            f"Commits since the start have changed {names}. They stay. Bring back what was there "
            f"before: git restore --source={known.commit[:12]} -- {names}"
        )
    _record(root).unlink(missing_ok=True)


def _put_aside(known: UnderWay, root: Path) -> None:
    """Make the files equal HEAD, and keep what the learner wrote as a stash entry."""
    # git stash fails halfway on files that are only in the index, or no longer in it.
    if unstage := [name for name, how in _changes(known.files, root).items() if how[0] != "M"]:
        _git(root, "reset", "--quiet", "--", *unstage)
    changes = _changes(known.files, root)
    if not changes:
        return
    staged = any(how[0] == "M" for how in changes.values())
    if not staged and _fingerprint(known.files, root) == known.placed:  # the learner wrote nothing
        if tracked := [name for name, how in changes.items() if how != "??"]:
            _git(root, "checkout", "--quiet", "HEAD", "--", *tracked)
        _git(root, "clean", "--force", "--quiet", "--", *changes)
        return
    entry = f"workshop: exercise {known.number} (attempt)"
    try:
        _git(root, "stash", "push", "--include-untracked", f"--message={entry}", "--", *changes)
    except WorkshopError as error:
        if _changes(known.files, root):  # else only the index differed: stashed all the same
            raise WorkshopError(f"git cannot stash your attempt, which stays:\n{error}") from error
    say(
        f'Your attempt is kept as "{entry}": git stash list. '
        'Get it back after the reset: git stash apply "stash@{0}"'
    )


def _committed(known: UnderWay, root: Path) -> str:
    """Return the files that commits since the start have changed, in one string."""
    differ = ("diff", "--name-only", known.commit, "HEAD", "--", *known.files)
    return " ".join(_git(root, *differ, check=False).split())


def _files_of(patch: Path, root: Path) -> list[str]:
    listed = _git(root, "apply", "--numstat", "-z", str(patch))
    return [line.split("\t")[2] for line in listed.split("\0") if line]


def _changes(files: Iterable[str], root: Path) -> dict[str, str]:
    """Return the files that differ from HEAD, with git's two letters that say how."""
    options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames")
    listed = _git(root, "status", *options, "--", *files)
    return {entry[3:]: entry[:2] for entry in listed.split("\0") if entry}


def _apply(patch: Path, root: Path, *options: str) -> None:
    _git(root, "apply", "--whitespace=nowarn", *options, str(patch))


def _fingerprint(files: Iterable[str], root: Path) -> str:
    paths = [root / name for name in files]
    contents = [path.read_bytes() if path.is_file() else None for path in paths]
    return hashlib.sha256(repr(contents).encode()).hexdigest()


def _record(root: Path) -> Path:
    return root / ".workshop/exercise.json"


def _load(root: Path) -> UnderWay | None:
    try:
        return UnderWay(**json.loads(_record(root).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _save(known: UnderWay, root: Path) -> None:
    _record(root).parent.mkdir(exist_ok=True)
    write_atomically(_record(root), json.dumps(asdict(known), indent=2))


def _git(root: Path, *command: str, check: bool = True) -> str:
    """Run git without the caller's `GIT_` variables; return its output, or "" when it fails.

    Raises:
        UsageError: git is not installed.
        WorkshopError: It failed, and `check` is set; the message is git's.
    """
    try:
        done = subprocess.run(
            ["git", *command],
            cwd=root,
            env={name: each for name, each in os.environ.items() if not name.startswith("GIT_")},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is missing: install it, then run this again.") from None
    if done.returncode and check:
        raise WorkshopError(done.stderr.strip())
    return "" if done.returncode else done.stdout
