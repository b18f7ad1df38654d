"""An exercise's way there and back, in a working copy with somebody's uncommitted work in it."""

import os
import shutil
import stat
import subprocess
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import Exercise
from workshop.exercises.session import KEPT, UNDER_WAY

GOOD = "first\ntake if there is enough\nlast\n"
BROKEN = GOOD.replace("take if there is enough", "take \t")


def git(root, *command, **options):
    who = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    return subprocess.run(
        ["git", *command],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | dict.fromkeys(who, "a@b"),
        **options,
    ).stdout


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A repository with a file to mend, and others; and a patch that breaks it and makes a file."""
    root = tmp_path_factory.mktemp("session") / "orders"
    root.mkdir()
    (root / "store.py").write_text(GOOD)
    (root / "other.py").write_text("other\n")
    (root / "gone.py").write_text("gone\n")
    (root / ".gitattributes").write_text("* text=auto eol=lf\n")
    (root / ".gitignore").write_text("ignored/\n")
    git(root, "init", "-q", "--template=")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "as it was")
    (root / "store.py").write_text(BROKEN)
    (root / "new").mkdir()
    (root / "new/notes.txt").write_text("what to do\n")
    git(root, "add", "-A")
    patch = git(root, "diff", "--cached")
    git(root, "reset", "-q", "--hard")
    return root, patch


@pytest.fixture
def root(original, tmp_path):
    """A copy of the repository."""
    return shutil.copytree(original[0], tmp_path / "orders")


@pytest.fixture
def exercise(original, tmp_path):
    """An exercise that breaks `store.py`, and makes a file."""
    folder = tmp_path / "exercises"
    folder.mkdir()
    (folder / "start.patch").write_text(original[1])
    return Exercise("03.1", folder, "t", "t", ("a", "b", "c"), "s", needs_stack=False)


def state(root):
    """Every file with its bytes and mode; and what git says of index, stash and branch."""
    files = {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts[:1]
    }
    told = git(root, "status", "--porcelain=v2", "--branch", "--show-stash", "--ignored")
    return files, told


def kept(root):
    return git(root, "for-each-ref", "--format=%(refname)", KEPT).split()


def test_there_and_back_leaves_no_trace(root, exercise):
    before = state(root)
    assert session.start(exercise, root=root) == ["new/notes.txt", "store.py"]
    assert (root / "store.py").read_text() == BROKEN
    assert (root / "new/notes.txt").exists()
    taken = session.reset(exercise, root=root)
    assert state(root) == before
    assert not (root / "new").exists(), "a folder that start made goes with what was in it"
    assert (taken.kept, taken.left) == (None, [])
    assert git(root, "for-each-ref", "refs/workshop", "refs/worktree") == ""


def test_uncommitted_work_comes_back_byte_for_byte(root, exercise):
    """Changed, staged, made, removed, made executable, with line ends of its own."""
    (root / "store.py").write_bytes((GOOD + "mine\r\n").encode())
    (root / "store.py").chmod(0o755)
    (root / "other.py").write_bytes(b"other\r\nlines\r\n")
    (root / "staged.py").write_text("staged\n")
    git(root, "add", "staged.py")
    (root / "staged.py").write_text("staged, and changed since\n")
    (root / "made.bin").write_bytes(bytes(range(256)))
    (root / "Übung mit Leerzeichen.txt").write_text("ü\n")
    (root / "gone.py").unlink()
    (root / "other.py").chmod(0o755)
    (root / "ignored").mkdir()
    (root / "ignored/secret").write_text("untouched\n")
    before, index = state(root), (root / ".git/index").read_bytes()
    session.start(exercise, root=root)
    assert (root / "store.py").read_bytes() == (BROKEN + "mine\r\n").encode()
    assert (root / ".git/index").read_bytes() == index, "it is the learner's"
    session.reset(exercise, root=root)
    assert state(root) == before


def test_each_worktree_has_an_exercise_of_its_own(root, exercise, tmp_path):
    """Two working copies of one repository do not know of each other's."""
    second = tmp_path / "second"
    git(root, "worktree", "add", "-q", "--detach", str(second))
    session.start(exercise, root=root)
    assert session.under_way(second) is None
    session.start(exercise, root=second)
    session.reset(exercise, root=second)
    assert session.under_way(root) == exercise.number
    assert (root / "store.py").read_text() == BROKEN
    assert (second / "store.py").read_text() == GOOD


def test_what_was_tried_is_kept_when_it_is_taken_away(root, exercise):
    """By solve and by reset, each under a name of its own."""
    session.start(exercise, root=root)
    (root / "store.py").write_text("my first idea\n")
    shown, taken = session.solve(exercise, colour=False, root=root)
    assert "-my first idea" in shown
    assert (root / "store.py").read_text() == GOOD
    (root / "store.py").write_text("my second idea\n")
    session.reset(exercise, root=root)
    assert (root / "store.py").read_text() == GOOD
    ideas = [git(root, "show", f"{name}:store.py") for name in kept(root)]
    assert ideas == ["my first idea\n", "my second idea\n"]
    assert taken.kept == kept(root)[0]


def test_work_elsewhere_is_left_alone_and_named(root, exercise):
    session.start(exercise, root=root)
    (root / "other.py").write_text("done meanwhile\n")
    (root / "more.py").write_text("made meanwhile\n")
    taken = session.reset(exercise, root=root)
    assert taken.left == ["more.py", "other.py"]
    assert (root / "other.py").read_text() == "done meanwhile\n"
    assert (root / "more.py").exists()


def test_all_of_it_can_be_taken_back(root, exercise):
    before = state(root)
    session.start(exercise, root=root)
    (root / "other.py").write_text("done meanwhile\n")
    (root / "more.py").write_text("made meanwhile\n")
    (root / "gone.py").unlink()
    taken = session.reset(exercise, everything=True, root=root)
    assert state(root) == before
    assert git(root, "show", f"{taken.kept}:more.py") == "made meanwhile\n"


def test_it_does_not_begin_where_its_files_differ(root, exercise):
    """Nothing is touched, and nothing is under way."""
    (root / "store.py").write_text("rewritten\n")
    before = state(root)
    with pytest.raises(WorkshopError, match=r"cannot begin: .*store\.py"):
        session.start(exercise, root=root)
    assert state(root) == before
    assert session.under_way(root) is None


def test_it_does_not_begin_over_a_file_of_the_learners(root, exercise):
    """A file that it would make is there already."""
    (root / "new").mkdir()
    (root / "new/notes.txt").write_text("my own notes\n")
    with pytest.raises(WorkshopError, match="cannot begin"):
        session.start(exercise, root=root)
    assert (root / "new/notes.txt").read_text() == "my own notes\n"


def test_one_at_a_time(root, exercise):
    session.start(exercise, root=root)
    with pytest.raises(WorkshopError, match=r'03\.1 is under way.*ARGS="03\.1 reset"'):
        session.start(exercise, root=root)


@pytest.mark.parametrize("act", [session.reset, session.solve])
def test_what_is_not_under_way_can_only_be_started(root, exercise, act):
    options = {"colour": False} if act is session.solve else {}
    with pytest.raises(WorkshopError, match=r'ARGS="03\.1 start"'):
        act(exercise, root=root, **options)


@pytest.mark.parametrize("after", ["commit", "restore"])
def test_killed_while_it_starts_it_can_be_reset(root, exercise, monkeypatch, after):
    """At any moment the working copy as it was is either untouched or kept."""
    (root / "store.py").write_text(GOOD + "mine\n")
    before = state(root)
    whole = getattr(session.Repository, after)

    def dies(repository, *arguments):
        if after == "commit":
            whole(repository, *arguments)
        else:
            tree, paths = arguments
            whole(repository, tree, paths[:1])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(session.Repository, after, dies)
        with pytest.raises(KeyboardInterrupt):
            session.start(exercise, root=root)
    assert session.under_way(root) == "03.1"
    session.reset(exercise, root=root)
    assert state(root) == before


def test_commits_in_between_change_nothing(root, exercise):
    """Another branch, another commit: the files come back, the history is the learner's."""
    session.start(exercise, root=root)
    git(root, "checkout", "-qb", "mine")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "my try")
    session.reset(exercise, root=root)
    assert (root / "store.py").read_text() == GOOD
    assert git(root, "log", "-1", "--format=%s").strip() == "my try"


def test_a_folder_that_is_no_repository(tmp_path, exercise):
    """A downloaded archive could not be put back, so nothing is begun."""
    (tmp_path / "archive").mkdir()
    with pytest.raises(UsageError, match="no git repository"):
        session.start(exercise, root=tmp_path / "archive")


def test_an_index_that_somebody_points_elsewhere_is_left_alone(root, exercise, monkeypatch):
    """GIT_INDEX_FILE of a hook, say, is not ours."""
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / "elsewhere"))
    monkeypatch.setenv("GIT_DIR", str(root / "nowhere"))
    session.start(exercise, root=root)
    assert session.reset(exercise, root=root).left == []
    assert not (root / "elsewhere").exists()


def test_without_a_name_told_to_git(root, exercise, monkeypatch):
    """The first thing that somebody does after installing git."""
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(root.parent))
    monkeypatch.delenv("EMAIL", raising=False)
    git(root, "config", "user.useConfigOnly", "true")  # it does not ask the machine instead
    session.start(exercise, root=root)
    assert git(root, "log", "-1", "--format=%B", UNDER_WAY).strip() == "03.1"


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


@contextmanager
def killed_at(step):
    """Die before the step-th change of a file or reference; tells whether it came to that."""
    done, run = 0, session.Repository._run

    def counted(original):
        def act(*arguments, **options):
            nonlocal done
            changes = original is not run or "update-ref" in arguments
            done += changes
            if changes and done == step:
                raise Killed
            return original(*arguments, **options)

        return act

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session.Repository, "_run", counted(run))
        for name in ("write_bytes", "chmod", "replace", "unlink", "rmdir", "mkdir"):
            patched.setattr(Path, name, counted(getattr(Path, name)))
        with suppress(Killed):
            yield lambda: done >= step


@pytest.mark.parametrize("what", ["start", "solve", "reset"])
def test_killed_at_any_moment_it_can_be_reset(root, exercise, what):
    """Between any two steps: what the learner had is back, and what they tried is kept."""
    (root / "store.py").write_text(GOOD + "mine\n")
    (root / "store.py").chmod(0o755)
    before = state(root)
    acts = {
        "start": lambda: session.start(exercise, root=root),
        "solve": lambda: session.solve(exercise, colour=False, root=root),
        "reset": lambda: session.reset(exercise, root=root),
    }
    for step in count(1):
        if what != "start":
            session.start(exercise, root=root)
            (root / "store.py").write_text("my idea\n")
        with killed_at(step) as came_to_it:
            acts[what]()
        if session.under_way(root):
            session.reset(exercise, root=root)
        assert state(root) == before, step
        if what != "start":
            assert "my idea\n" in [git(root, "show", f"{name}:store.py") for name in kept(root)]
        for name in kept(root):
            git(root, "update-ref", "-d", name)
        if not came_to_it():
            break
    assert step > 6, "nobody was killed"


def test_the_learners_index_is_not_even_rewritten(root, exercise):
    """Nor is any reference but the exercise's own."""
    index = (root / ".git/index").read_bytes()
    session.start(exercise, root=root)
    session.solve(exercise, colour=False, root=root)
    session.reset(exercise, root=root)
    assert (root / ".git/index").read_bytes() == index


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o700, 0o755])
def test_modes_are_what_they_were(root, exercise, mode):
    """To the last bit, of which git remembers one."""
    (root / "store.py").chmod(mode)
    session.start(exercise, root=root)
    assert stat.S_IMODE((root / "store.py").stat().st_mode) == mode
    (root / "store.py").chmod(mode ^ 0o100)
    session.reset(exercise, root=root)
    assert stat.S_IMODE((root / "store.py").stat().st_mode) & 0o700 == mode & 0o700


@pytest.mark.parametrize("settings", [{"core.autocrlf": "true"}, {"apply.whitespace": "fix"}])
def test_settings_of_git_change_no_bytes(root, exercise, settings):
    """Those of Windows, and of the tidy."""
    for name, value in settings.items():
        git(root, "config", name, value)
    (root / ".gitattributes").write_text("* text=auto\n")
    (root / "other.py").write_bytes(b"other \r\nlines\n")
    before = state(root)
    session.start(exercise, root=root)
    assert (root / "store.py").read_bytes() == BROKEN.encode()
    (root / "other.py").write_bytes(b"else\n")
    session.reset(exercise, everything=True, root=root)
    assert state(root) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_of_all_sorts_come_back(root, exercise):
    """With quotes, lines and blanks in them; links; another repository in the middle of it."""
    names = ['"quoted"', "two\nlines", "back\\slash", " blank ", "-option", "ü.txt"]
    for name in names:
        (root / name).write_text(f"{name}\n")
    (root / "link").symlink_to("store.py")
    (root / "dangling").symlink_to("nowhere")
    (root / "theirs").mkdir()
    git(root / "theirs", "init", "-q")
    (root / "theirs/file").write_text("another repository's\n")
    before = state(root)
    session.start(exercise, root=root)
    for name in [*names, "link"]:
        (root / name).unlink()
    session.reset(exercise, everything=True, root=root)
    assert state(root) == before
    assert (root / "link").is_symlink()


def test_an_exercise_whose_patch_has_changed_since_comes_back(root, exercise):
    """A `git pull` brought a new one meanwhile, or a branch without it is checked out."""
    before = state(root)
    session.start(exercise, root=root)
    exercise.start.write_text("another patch\n")
    solution = exercise.folder / "solution.patch"
    solution.write_text("--- a/store.py\n+++ b/store.py\n@@ -1 +1 @@\n-no such line\n+another\n")
    (root / "store.py").write_text("my idea\n")
    taken = session.reset(exercise, root=root)
    assert state(root) == before
    assert git(root, "show", f"{taken.kept}:store.py") == "my idea\n"


@pytest.mark.parametrize("moved", [("commit", "-qam", "my try"), ("checkout", "-q", "older")])
def test_all_is_not_taken_back_over_commits(root, exercise, moved):
    """Whoever has committed since, or is on another branch, is told; without --all it works."""
    git(root, "branch", "older")
    (root / "other.py").write_text("newer\n")
    git(root, "commit", "-qam", "newer")
    session.start(exercise, root=root)
    git(root, *moved)
    there = state(root)
    with pytest.raises(WorkshopError, match="without --all"):
        session.reset(exercise, everything=True, root=root)
    assert state(root) == there
    assert session.reset(exercise, root=root).moved
    assert (root / "store.py").read_text() == GOOD
    assert (root / "other.py").read_bytes() == there[0]["other.py"][0]


def test_in_a_repository_without_a_commit(tmp_path, exercise):
    """Downloaded, and `git init` said over it."""
    root = tmp_path / "fresh"
    root.mkdir()
    (root / "store.py").write_text(GOOD)
    git(root, "init", "-q")
    session.start(exercise, root=root)
    assert (root / "store.py").read_text() == BROKEN
    assert not session.reset(exercise, everything=True, root=root).moved
    assert (root / "store.py").read_text() == GOOD


def test_a_repository_that_git_refuses_is_told_in_its_words(tmp_path, exercise):
    """Somebody else's, say: git names the setting."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/.git").write_text("gitdir: nowhere\n")
    with pytest.raises(WorkshopError, match=r"not a git repository: .*nowhere"):
        session.start(exercise, root=tmp_path / "theirs")
