"""An exercise is started, solved and reset: no work is lost, and nothing else is touched."""

import os
import re
import shlex
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import Exercise

GOOD = "first\ntake if there is enough\nlast\n"
BROKEN = GOOD.replace("take if there is enough", "take \t")
START = """\
--- a/store.py
+++ b/store.py
@@ -1,3 +1,3 @@
 first
-take if there is enough
+take \t
 last
--- /dev/null
+++ b/new/notes.txt
@@ -0,0 +1 @@
+what to do
"""
SOLUTION = "--- /dev/null\n+++ b/new/notes.txt\n@@ -0,0 +1 @@\n+done\n"
WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


def git(root, *command):
    clean = os.environ | dict.fromkeys(WHO, "a@b")
    return subprocess.run(
        ["git", *command], cwd=root, check=True, capture_output=True, text=True, env=clean
    ).stdout


@pytest.fixture
def root(tmp_path):
    """A repository of one commit."""
    root = tmp_path / "orders"
    root.mkdir()
    (root / "store.py").write_text(GOOD)
    (root / "other.py").write_text("other\n")
    (root / ".gitattributes").write_text("* text=auto eol=lf\n")
    (root / ".gitignore").write_text(".workshop/\n__pycache__/\n")
    git(root, "init", "-q", "--template=")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "as it was")
    return root


@pytest.fixture
def exercise(tmp_path):
    """An exercise that breaks `store.py` and creates a file; the committed code solves it."""
    (tmp_path / "start.patch").write_text(START)
    return Exercise("03.1", tmp_path, "t", "t", ("a", "b", "c"), "s", needs_stack=False)


@pytest.fixture
def written(exercise):
    """An exercise whose solution is a patch."""
    (exercise.folder / "solution.patch").write_text(SOLUTION)
    return exercise


def files(root):
    """Return the bytes and the mode of each file in the working copy."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] not in (".git", ".workshop")
    }


def state(root):
    """Return the files, and git's view of index, stash and branch."""
    return files(root), git(root, "status", "--porcelain=v2", "--branch", "--show-stash")


def attempts(root):
    """Return what `store.py` contains in each stash entry, the newest first."""
    entries = git(root, "stash", "list", "--format=%H").split()
    return [git(root, "show", f"{entry}:store.py") for entry in entries]


def follow_advice(root, message):
    """Run the git command that a message ends with."""
    (command,) = re.findall(r"git (?:stash (?:push|apply)|restore) .*", message)
    git(root, *shlex.split(command)[1:])


def test_untouched_exercise_leaves_no_trace(root, written):
    """Other files stay as they are: staged, modified and untracked ones."""
    (root / "other.py").write_text("staged\n")
    git(root, "add", "other.py")
    (root / "other.py").write_text("and modified\n")
    (root / "mine.txt").write_text("untracked\n")
    before = state(root)
    assert session.start(written, root=root) == ["store.py", "new/notes.txt"]
    assert (root / "store.py").read_text() == BROKEN
    assert (root / "new/notes.txt").read_text() == "what to do\n"
    assert session.under_way(root) == "03.1"
    session.solve(written, colour=False, root=root)
    assert (root / "new/notes.txt").read_text() == "done\n"
    session.reset(written, root=root)
    assert state(root) == before
    assert session.under_way(root) is None


def test_reset_stashes_the_attempt_and_shows_how_to_apply_it(root, exercise, capsys):
    before = files(root)
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    (root / "new/notes.txt").write_text("my notes\n")
    session.reset(exercise, root=root)
    assert files(root) == before
    output = capsys.readouterr().err
    assert '"workshop: exercise 03.1 (attempt)"' in output
    assert "workshop: exercise 03.1 (attempt)" in git(root, "stash", "list")
    follow_advice(root, output)
    assert (root / "store.py").read_text() == "my idea\n"
    assert (root / "new/notes.txt").read_text() == "my notes\n"


def test_solve_stashes_the_attempt_and_reset_adds_no_entry(root, written, capsys):
    """The solution is not the learner's, so `stash@{0}` is still the attempt."""
    session.start(written, root=root)
    (root / "store.py").write_text("my idea\n")
    assert session.solve(written, colour=False, root=root) == SOLUTION
    output = capsys.readouterr().err
    session.reset(written, root=root)
    assert capsys.readouterr().err == ""
    assert attempts(root) == ["my idea\n"]
    follow_advice(root, output)
    assert (root / "store.py").read_text() == "my idea\n"


def test_solve_shows_attempt_against_committed_code(root, exercise):
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    assert "-my idea\n+first" in session.solve(exercise, colour=False, root=root)
    assert (root / "store.py").read_text() == GOOD
    assert session.solve(exercise, colour=False, root=root) == ""


def test_comparison_shows_attempt_beside_solution_and_changes_nothing(root, exercise, written):
    """With the committed code as the solution, and with a patch; also of a deleted file."""
    (exercise.folder / "solution.patch").unlink()
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    before = state(root)
    shown = session.compare(exercise, colour=False, root=root)
    assert "--- yours/store.py\n+++ solution/store.py\n" in shown
    assert "-my idea\n+first" in shown
    assert "--- yours/new/notes.txt\n+++ /dev/null\n" in shown
    (written.folder / "solution.patch").write_text(SOLUTION)
    (root / "store.py").write_text(GOOD)
    (root / "new/notes.txt").unlink()
    shown = session.compare(written, colour=False, root=root)
    assert "+++ solution/new/notes.txt\n@@ -0,0 +1 @@\n+done\n" in shown
    assert "store.py" not in shown
    (root / "store.py").write_text("my idea\n")
    (root / "new/notes.txt").write_text("what to do\n")
    assert state(root) == before
    session.solve(written, colour=False, root=root)
    assert session.compare(written, colour=False, root=root) == ""


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("store.py", lambda path: path.write_text("mine\n")),
        ("store.py", lambda path: path.write_text("mine\n") and git(path.parent, "add", "-u")),
        ("store.py", Path.unlink),
        ("new/notes.txt", lambda path: path.parent.mkdir() or path.write_text("mine\n")),
    ],
    ids=["modified", "staged", "deleted", "untracked"],
)
def test_start_refuses_changed_files_and_says_what_to_do(root, exercise, name, change):
    change(root / name)
    before = state(root)
    with pytest.raises(UsageError, match=f"changes of yours: {name}\n.*stash them") as refused:
        session.start(exercise, root=root)
    assert state(root) == before
    assert session.under_way(root) is None
    follow_advice(root, str(refused.value))
    session.start(exercise, root=root)


def test_patch_that_does_not_fit_changes_nothing(root, exercise):
    (root / "store.py").write_text("rewritten\n")
    git(root, "commit", "-qam", "rewritten")
    before = state(root)
    with pytest.raises(WorkshopError, match=r"does not fit.*\n.*store\.py"):
        session.start(exercise, root=root)
    assert state(root) == before
    assert session.under_way(root) is None


def test_exercises_are_done_one_at_a_time(root, exercise):
    for act in (session.require, session.reset):
        with pytest.raises(UsageError, match=r'ARGS="03\.1 start"'):
            act(exercise, root=root)
    session.start(exercise, root=root)
    for act in (session.start, session.reset):
        with pytest.raises(UsageError, match=r'03\.1 is under way.*ARGS="03\.1 reset"'):
            act(replace(exercise, number="04.1"), root=root)


@pytest.mark.parametrize(
    "command",
    [
        "add store.py new",
        "add -N new",
        "rm -qf store.py",
        "rm -q --cached store.py",
        "mv -f store.py new/notes.txt",
    ],
)
def test_attempt_in_the_index_is_stashed_like_any_other(root, exercise, command):
    before = files(root)
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    git(root, *command.split())
    tried = files(root)
    session.reset(exercise, root=root)
    assert files(root) == before
    assert git(root, "status", "--porcelain") == ""
    git(root, "stash", "apply")
    assert files(root) == tried


def test_all_files_of_a_folder_to_fill_are_reset_and_stashed(root, written, capsys):
    """Also those that no patch names; Python's bytecode and empty folders go, too."""
    built = replace(written, folders=("07-own", "new"))
    before = files(root)
    session.start(built, root=root)
    (root / "07-own/tests/empty").mkdir(parents=True)
    (root / "07-own/__pycache__").mkdir()
    (root / "07-own/service.py").write_text("my service\n")
    (root / "07-own/__pycache__/service.pyc").write_text("bytecode\n")
    (root / "new/more.txt").write_text("more\n")
    session.record_solution(root)
    assert session.is_solved(root)
    (root / "07-own/tests/test_service.py").write_text("my test\n")
    assert not session.is_solved(root)
    session.reset(built, root=root)
    assert files(root) == before
    assert not (root / "07-own").exists()
    assert not (root / "new").exists()
    follow_advice(root, capsys.readouterr().err)
    assert (root / "07-own/service.py").read_text() == "my service\n"
    assert (root / "07-own/tests/test_service.py").read_text() == "my test\n"
    assert (root / "new/more.txt").read_text() == "more\n"


def test_attempt_is_continued_with_all_its_files(root, written):
    built = replace(written, folders=("07-own",))
    session.start(built, root=root)
    (root / "store.py").write_text("my idea\n")
    (root / "new/notes.txt").write_text("my notes\n")
    (root / "07-own/tests").mkdir(parents=True)
    (root / "07-own/tests/test_own.py").write_text("my test\n")
    session.reset(built, root=root)
    git(root, "commit", "-q", "--allow-empty", "-m", "something else")
    restored = session.resume(built, root=root)
    assert restored == ["07-own/tests/test_own.py", "new/notes.txt", "store.py"]
    assert session.under_way(root) == "03.1"
    assert (root / "store.py").read_text() == "my idea\n"
    assert (root / "new/notes.txt").read_text() == "my notes\n"
    assert (root / "07-own/tests/test_own.py").read_text() == "my test\n"
    session.reset(built, root=root)
    assert git(root, "status", "--porcelain") == ""


def test_newest_attempt_of_this_exercise_is_continued(root, exercise):
    for number, text in (("03.1", "old\n"), ("03.1", "new\n"), ("04.1", "other\n")):
        session.start(replace(exercise, number=number), root=root)
        (root / "store.py").write_text(text)
        session.reset(replace(exercise, number=number), root=root)
    assert "store.py" in session.resume(exercise, root=root)
    assert (root / "store.py").read_text() == "new\n"


def test_nothing_changes_without_an_attempt_to_continue(root, exercise):
    before = files(root)
    with pytest.raises(UsageError, match=r"no attempt of exercise 03\.1"):
        session.resume(exercise, root=root)
    assert files(root) == before
    assert session.under_way(root) is None


def test_folder_to_fill_must_be_free(root, written):
    built = replace(written, folders=("07-own",))
    (root / "07-own").mkdir()
    (root / "07-own/service.py").write_text("mine\n")
    with pytest.raises(UsageError, match=r"changes of yours: 07-own/service\.py\n"):
        session.start(built, root=root)
    assert (root / "07-own/service.py").read_text() == "mine\n"


@pytest.mark.parametrize(
    "later", ["my second idea\n", GOOD, BROKEN], ids=["other", "good", "start"]
)
def test_staged_version_is_kept_beside_a_later_one(root, exercise, later):
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    git(root, "add", "store.py")
    (root / "store.py").write_text(later)
    if later == GOOD:  # so that only the index differs
        (root / "new/notes.txt").unlink()
    session.reset(exercise, root=root)
    assert attempts(root) == [later]
    assert git(root, "show", "stash@{0}^2:store.py") == "my idea\n"
    assert git(root, "status", "--porcelain") == ""


def test_failed_stash_leaves_the_attempt_and_the_exercise(root, exercise):
    """`git stash` refuses while another file is only intended to be added."""
    (root / "mine.txt").write_text("mine\n")
    git(root, "add", "-N", "mine.txt")
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    with pytest.raises(WorkshopError, match=r"mine\.txt"):
        session.reset(exercise, root=root)
    assert (root / "store.py").read_text() == "my idea\n"
    git(root, "add", "mine.txt")
    session.reset(exercise, root=root)
    assert attempts(root) == ["my idea\n"]


class Killed(BaseException):
    """Stands for kill -9: no code catches it."""


def killed_at(step, act):
    """Stop before the step-th git command or change of the record; return whether it ended."""
    steps = count(1)

    def counted(original):
        def stop(*arguments, **options):
            if next(steps) == step:
                raise Killed
            return original(*arguments, **options)

        return stop

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session.git, "run", counted(session.git.run))
        for name in ("write_bytes", "replace", "unlink"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        with suppress(Killed):
            act()
            return True
    return False


@pytest.mark.parametrize("torn", [False, True], ids=["between steps", "in git apply"])
@pytest.mark.parametrize("what", ["start", "solve", "reset"])
def test_exercise_killed_at_any_step_can_be_reset(root, written, what, torn):
    """`git apply` and `git stash` delete a file before they write it again."""
    before = files(root)
    acts = {
        "start": lambda: session.start(written, root=root),
        "solve": lambda: session.solve(written, colour=False, root=root),
        "reset": lambda: session.reset(written, root=root),
    }
    for step in count(1):
        if what != "start":
            session.start(written, root=root)
            (root / "store.py").write_text("my idea\n")
        ended = killed_at(step, acts[what])
        if session.under_way(root):
            if torn and (root / "store.py").read_text() != "my idea\n":
                (root / "store.py").unlink()
            session.reset(written, root=root)
        assert files(root) == before, step
        assert git(root, "status", "--porcelain") == "", step
        if what != "start":
            assert "+my idea\n" in git(root, "log", "-g", "-p", "-m", "refs/stash"), step
        git(root, "stash", "clear")
        if ended:
            break
    assert step > 4, "it was never killed"


def test_lost_record_is_answered_with_what_to_do(root, exercise):
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    for content in ("", "[]", '{"number": "03.1"}'):
        (root / ".workshop/exercise.json").write_text(content)
        assert session.under_way(root) is None
    shutil.rmtree(root / ".workshop")
    with pytest.raises(UsageError) as refused:
        session.start(exercise, root=root)
    follow_advice(root, str(refused.value))
    session.start(exercise, root=root)
    assert attempts(root) == ["my idea\n"]


def test_commits_since_the_start_stay_and_are_named(root, exercise, capsys):
    session.start(exercise, root=root)
    (root / "store.py").write_text("my idea\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "my try")
    (root / "store.py").write_text("my second idea\n")
    with pytest.raises(WorkshopError, match=r"changed new/notes\.txt store\.py, .*Reset"):
        session.solve(exercise, colour=False, root=root)
    assert (root / "store.py").read_text() == "my second idea\n"
    session.reset(exercise, root=root)
    assert git(root, "log", "-1", "--format=%s") == "my try\n"
    assert (root / "store.py").read_text() == "my idea\n"
    assert attempts(root) == ["my second idea\n"]
    follow_advice(root, capsys.readouterr().err.splitlines()[-1])
    assert (root / "store.py").read_text() == GOOD
    assert not (root / "new/notes.txt").exists()


def test_newer_commits_and_patches_do_not_matter_to_reset(root, exercise, capsys):
    session.start(exercise, root=root)
    exercise.start.write_text("another patch\n")
    (root / "other.py").write_text("newer\n")
    git(root, "commit", "-qm", "newer", "other.py")
    session.reset(exercise, root=root)
    assert capsys.readouterr().err == ""
    assert (root / "store.py").read_text() == GOOD
    assert (root / "other.py").read_text() == "newer\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.autocrlf", "true"),
        ("apply.whitespace", "fix"),
        ("status.showUntrackedFiles", "no"),
        ("user.useConfigOnly", "true"),
    ],
)
def test_settings_and_variables_of_git_change_nothing(root, written, name, value, monkeypatch):
    """Nor is a configured identity needed; the variables are those of a hook."""
    git(root, "config", name, value)
    before = files(root)
    with monkeypatch.context() as hook:
        for variable in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
            hook.setenv(variable, str(root.parent))
        for variable in ("GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE"):
            hook.setenv(variable, str(root / "nowhere"))
        hook.delenv("EMAIL", raising=False)
        session.start(written, root=root)
        assert (root / "store.py").read_bytes() == BROKEN.encode()
        (root / "new/notes.txt").write_text("my notes\n")
        session.solve(written, colour=False, root=root)
        assert (root / "new/notes.txt").read_bytes() == b"done\n"
        session.reset(written, root=root)
    assert files(root) == before
    assert attempts(root) == [BROKEN]


def test_folder_without_its_own_commits_cannot_start(root, exercise, tmp_path):
    """A downloaded archive, also inside another repository, and one after `git init`."""
    for folder in (tmp_path / "archive", root / "archive"):
        folder.mkdir()
        (folder / "store.py").write_text(GOOD)
        with pytest.raises(UsageError, match=r"not a git repository.*git clone"):
            session.start(exercise, root=folder)
        assert session.reminder(folder) is None
    git(folder, "init", "-q")
    with pytest.raises(UsageError, match=r"changes of yours: store\.py"):
        session.start(exercise, root=folder)
    shutil.rmtree(folder / ".git")
    (folder / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(WorkshopError, match=r"not a git repository: .*nowhere"):
        session.start(exercise, root=folder)


def test_solved_exercise_is_not_called_under_way(root, exercise):
    """As long as its files are those that passed the check."""
    session.start(exercise, root=root)
    assert not session.is_solved(root)
    assert session.reminder(root).startswith("Exercise 03.1 is under way, so its files are broken.")
    (root / "store.py").write_text(GOOD)
    session.record_solution(root)
    assert session.is_solved(root)
    assert "03.1 is solved, and your files are not reset" in session.reminder(root)
    with pytest.raises(UsageError, match=r"03\.1 is solved, and not reset yet\. Reset it first: "):
        session.start(replace(exercise, number="03.2"), root=root)
    (root / "store.py").write_text(BROKEN)
    assert not session.is_solved(root)
    with pytest.raises(UsageError, match=r"03\.1 is under way\. Reset it first: "):
        session.require(replace(exercise, number="03.2"), root)


def test_solution_without_a_started_exercise_is_not_recorded(root):
    session.record_solution(root)
    assert not session.is_solved(root)
    assert session.reminder(root) is None
