"""An exercise's way there and back, in a working copy with somebody's uncommitted work in it."""

import os
import subprocess

import pytest

from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import Exercise
from workshop.exercises.session import KEPT, UNDER_WAY

GOOD = "first\ntake if there is enough\nlast\n"
BROKEN = GOOD.replace("take if there is enough", "take")


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


@pytest.fixture
def root(tmp_path):
    """A repository with a file to mend, and others."""
    root = tmp_path / "orders"
    root.mkdir()
    (root / "store.py").write_text(GOOD)
    (root / "other.py").write_text("other\n")
    (root / "gone.py").write_text("gone\n")
    (root / ".gitattributes").write_text("* text=auto eol=lf\n")
    (root / ".gitignore").write_text("ignored/\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "as it was")
    return root


@pytest.fixture
def exercise(tmp_path, root):
    """An exercise that breaks `store.py`, and makes a file."""
    folder = tmp_path / "exercises"
    folder.mkdir()
    (root / "store.py").write_text(BROKEN)
    (root / "new").mkdir()
    (root / "new/notes.txt").write_text("what to do\n")
    git(root, "add", "-A")
    (folder / "start.patch").write_text(git(root, "diff", "--cached"))
    git(root, "reset", "-q", "--hard")
    return Exercise("03.1", folder, "t", "t", ("a", "b", "c"), "s", needs_stack=False)


def state(root):
    """Every file with its bytes and mode, the index, and what git says."""
    files = {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts[:1]
    }
    commands = (
        ("status", "--porcelain=v1", "--ignored"),
        ("ls-files", "-s"),
        ("stash", "list"),
        ("rev-parse", "HEAD"),
    )
    return files, [git(root, *command) for command in commands]


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
    assert git(root, "for-each-ref", "refs/workshop") == ""


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
    before = state(root)
    session.start(exercise, root=root)
    assert (root / "store.py").read_bytes() == (BROKEN + "mine\r\n").encode()
    assert state(root)[1][1:] == before[1][1:], "index, stash and HEAD are the learner's"
    session.reset(exercise, root=root)
    assert state(root) == before


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
    session.start(exercise, root=root)
    session.reset(exercise, root=root)
    assert not (root / "elsewhere").exists()


def test_without_a_name_told_to_git(root, exercise, monkeypatch):
    """The first thing that somebody does after installing git."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for name in ("EMAIL", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.delenv(name, raising=False)
    session.start(exercise, root=root)
    assert git(root, "log", "-1", "--format=%B", UNDER_WAY).strip() == "03.1"
