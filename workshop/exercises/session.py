"""An exercise under way: started, solved and reset with `git apply` and `git stash`.

The files of an exercise equal HEAD when it starts, so a reset only stashes what the learner wrote.
The record is written before the first file changes, and deleted after the last file is restored:
an exercise that is interrupted at any moment can be reset.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workshop import git
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
        files: What its patches change, and folders that the learner fills, from the root of the
            repository.
        commit: HEAD at the start.
        placed: Fingerprint of the files as `start` or `solve` left them.
        solved: Fingerprint of the files that passed the check; empty before.
    """

    number: str
    files: list[str]
    commit: str
    placed: str = ""
    solved: str = ""


def under_way(root: Path = ROOT) -> str | None:
    """Return the number of the exercise that is under way, or None."""
    known = _load(root)
    return known.number if known else None


def is_solved(root: Path = ROOT) -> bool:
    """Return whether the files of the exercise under way are those that passed its check."""
    known = _load(root)
    return bool(known and known.solved and known.solved == _fingerprint(known.files, root))


def record_solution(root: Path = ROOT) -> None:
    """Record that the files of the exercise under way passed its check."""
    if known := _load(root):
        _save(replace(known, solved=_fingerprint(known.files, root)), root)


def reminder(root: Path = ROOT) -> str | None:
    """Return a sentence about the exercise under way and how to reset it, or None."""
    number = under_way(root)
    if number is None:
        return None
    reset = f'make exercise ARGS="{number} reset"'
    if is_solved(root):
        return f"Exercise {number} is solved, and your files are not reset yet. Reset them: {reset}"
    return f"Exercise {number} is under way, so its files are broken. Afterwards: {reset}"


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
        raise _not_reset(known, root)
    return known


def start(exercise: Exercise, root: Path = ROOT) -> list[str]:
    """Apply the patch that breaks the code; return the files that it changes.

    Raises:
        UsageError: Another exercise is not reset, the learner has changed the files, or the folder
            is not a git repository. Nothing was changed.
        WorkshopError: The patch does not fit the committed files. Nothing was changed.
    """
    if other := _load(root):
        raise _not_reset(other, root)
    own = (root / ".git").exists()  # then git's own message names the problem
    top = git.run(root, "rev-parse", "--show-toplevel", check=own).strip()
    if not top or not root.samefile(top):
        raise UsageError(
            "This folder is not a git repository, and an exercise needs one to restore your files. "
            "Get the workshop with git clone."
        )
    started = _files_of(exercise.start, root)
    solution = _files_of(exercise.solution, root) if exercise.solution else []
    files = sorted({*started, *solution, *exercise.folders})
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
    known = UnderWay(exercise.number, files, git.run(root, "rev-parse", "HEAD").strip())
    _save(known, root)
    _apply(exercise.start, root)
    _save(replace(known, placed=_fingerprint(files, root)), root)
    return started


def resume(exercise: Exercise, root: Path = ROOT) -> list[str]:
    """Start an exercise, then put the learner's newest stashed attempt in place; return its files.

    The stash entry is kept.

    Raises:
        UsageError: There is no attempt, or the exercise cannot start. Nothing was changed.
        WorkshopError: The patch does not fit the committed files. Nothing was changed.
    """
    listed = git.run(root, "stash", "list", "--format=%H %s").splitlines()
    entry = next((each for each in listed if each.endswith(_entry(exercise.number))), None)
    if entry is None:
        raise UsageError(
            f"There is no attempt of exercise {exercise.number} to continue. Start it: "
            f'make exercise ARGS="{exercise.number} start"'
        )
    start(exercise, root)
    stash = entry.split()[0]
    found = []
    for tree, changed in (
        (stash, ("diff", "--name-only", "--diff-filter=d", "-z", f"{stash}^1", stash)),
        (f"{stash}^3", ("ls-tree", "-r", "--name-only", "-z", f"{stash}^3")),  # untracked files
    ):
        names = [name for name in git.run(root, *changed, check=False).split("\0") if name]
        if names:
            git.run(root, "restore", f"--source={tree}", "--", *names)
        found += names
    return sorted(found)


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
            "the exercise: it shows how to restore the files. Nothing was changed."
        )
    if exercise.solution:
        shown = exercise.solution.read_text("utf-8")
    else:
        shade = "--color=always" if colour else "--color=never"
        options = ("-R", "--no-ext-diff", "--no-prefix", shade)
        shown = git.run(root, "diff", *options, "HEAD", "--", *known.files)
    _restore(known, root)
    if exercise.solution:
        _apply(exercise.solution, root)
    _save(replace(known, placed=_fingerprint(known.files, root)), root)
    return shown


def compare(exercise: Exercise, *, colour: bool, root: Path = ROOT) -> str:
    """Return what turns the learner's files into the solution, as a diff; change no file.

    Raises:
        WorkshopError: The exercise is not under way, or the solution does not fit the commits since
            its start.
    """
    known = require(exercise, root)
    attempt = {name: (root / name).read_bytes() for name in _inside(known.files, root)}
    listed = git.run(root, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *known.files)
    names = [name for name in listed.split("\0") if name]
    committed = {name: git.run(root, "show", f"HEAD:{name}").encode() for name in names}
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        git.run(there, "init", "--quiet", "--template=")
        yours = _tree(attempt, there)
        for name in attempt:
            (there / name).unlink()
        solution = _tree(committed, there, exercise.solution)
        shade = "--color=always" if colour else "--color=never"
        sides = ("--src-prefix=yours/", "--dst-prefix=solution/")
        return git.run(there, "diff", "--no-ext-diff", shade, *sides, yours, solution)


def reset(exercise: Exercise, root: Path = ROOT) -> None:
    """Stash the learner's attempt, so that the exercise's files equal HEAD again.

    Raises:
        WorkshopError: The exercise is not under way, or git cannot stash.
    """
    known = require(exercise, root)
    _restore(known, root)
    if names := _committed(known, root):
        say(
            f"Commits since the start have changed {names}. They are kept. To restore the files "
            f"from before the start: git restore --source={known.commit[:12]} -- {names}"
        )
    _record(root).unlink(missing_ok=True)


def _not_reset(known: UnderWay, root: Path) -> UsageError:
    """Return the error for an exercise that has to be reset first."""
    reset = f'make exercise ARGS="{known.number} reset"'
    if is_solved(root):
        return UsageError(
            f"Exercise {known.number} is solved, and not reset yet. Reset it first: {reset}"
        )
    return UsageError(f"Exercise {known.number} is under way. Reset it first: {reset}")


def _restore(known: UnderWay, root: Path) -> None:
    """Stash the learner's changes, and remove the folders that are empty then."""
    _stash(known, root)
    for folder in (root / name for name in known.files):
        for path in sorted(folder.rglob("__pycache__")):
            shutil.rmtree(path)
        for path in sorted([folder, *folder.rglob("*")], reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def _stash(known: UnderWay, root: Path) -> None:
    """Make the files equal HEAD, and keep the learner's changes as a stash entry."""
    # git stash fails halfway on files that are only in the index, or no longer in it.
    if unstage := [name for name, how in _changes(known.files, root).items() if how[0] != "M"]:
        git.run(root, "reset", "--quiet", "--", *unstage)
    changes = _changes(known.files, root)
    if not changes:
        return
    staged = any(how[0] == "M" for how in changes.values())
    if not staged and _fingerprint(known.files, root) == known.placed:  # the learner wrote nothing
        if tracked := [name for name, how in changes.items() if how != "??"]:
            git.run(root, "checkout", "--quiet", "HEAD", "--", *tracked)
        git.run(root, "clean", "--force", "--quiet", "--", *changes)
        return
    entry = _entry(known.number)
    try:
        git.run(root, "stash", "push", "--include-untracked", f"--message={entry}", "--", *changes)
    except WorkshopError as error:
        if _changes(known.files, root):  # else only the index differed: stashed all the same
            raise WorkshopError(f"git cannot stash your attempt. It is kept:\n{error}") from error
    say(
        f'Your attempt is stashed as "{entry}". '
        'To restore it after the reset: git stash apply "stash@{0}"\n'
        f'To continue the exercise with it: make exercise ARGS="{known.number} continue"'
    )


def _entry(number: str) -> str:
    """Return the message of the stash entry with an attempt."""
    return f"workshop: exercise {number} (attempt)"


def _committed(known: UnderWay, root: Path) -> str:
    """Return the files that commits since the start have changed, in one string."""
    differ = ("diff", "--name-only", known.commit, "HEAD", "--", *known.files)
    return " ".join(git.run(root, *differ, check=False).split())


def _files_of(patch: Path, root: Path) -> list[str]:
    listed = git.run(root, "apply", "--numstat", "-z", str(patch))
    return [line.split("\t")[2] for line in listed.split("\0") if line]


def _changes(files: Iterable[str], root: Path) -> dict[str, str]:
    """Return the files that differ from HEAD, each with git's two-character state."""
    options = ("--porcelain", "-z", "--untracked-files=all", "--no-renames")
    listed = git.run(root, "status", *options, "--", *files)
    return {entry[3:]: entry[:2] for entry in listed.split("\0") if entry}


def _tree(files: Mapping[str, bytes], folder: Path, patch: Path | None = None) -> str:
    """Write files into a git folder, apply a patch to them, and return the tree of all."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if patch:
        _apply(patch, folder)
    as_it_is = ("-c", "core.autocrlf=false", "-c", "core.safecrlf=false")
    git.run(folder, *as_it_is, "add", "--all", "--force")
    return git.run(folder, "write-tree").strip()


def _apply(patch: Path, root: Path, *options: str) -> None:
    git.run(root, "apply", "--whitespace=nowarn", *options, str(patch))


def _fingerprint(files: Iterable[str], root: Path) -> str:
    """Return a hash of all files; those that a folder contains count, too."""
    contents = {name: (root / name).read_bytes() for name in _inside(files, root)}
    return hashlib.sha256(repr(contents).encode()).hexdigest()


def _inside(files: Iterable[str], root: Path) -> list[str]:
    """Return the files that exist, and for a folder those in it that git does not ignore."""
    listed = ("--cached", "--others", "--exclude-standard", "-z", "--")
    inside = git.run(root, "ls-files", *listed, *files).split("\0")
    return [name for name in sorted({*files, *inside}) if (root / name).is_file()]


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
