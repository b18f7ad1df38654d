"""Every exercise works: its start is broken, its solution is not, and its reset leaves no trace.

`test_on_a_stack.py` has the exercises that need a deployed stack.
"""

import subprocess

import pytest

from devtools.documents.pages import tracked
from tests.fixtures.exercise_checks import checked
from workshop.exercises import session
from workshop.exercises.catalogue import exercises
from workshop.paths import LAST_STAGE

ALL = exercises()
HERE = [each for each in ALL if not each.needs_stack]
ON_A_STACK = [each for each in ALL if each.needs_stack]


def everything(copy):
    """Return every file's bytes and mode, and what git knows of index, branch and stash."""
    files = {path: (path.read_bytes(), path.stat().st_mode) for path in tracked(copy)}
    return files, git(copy, "status", "--porcelain"), git(copy, "for-each-ref")


def git(copy, *command):
    done = subprocess.run(["git", *command], cwd=copy, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize("exercise", ALL, ids=lambda each: each.number)
def test_an_exercise_is_whole(exercise):
    """A title, a task, three different hints, and words that its first check says."""
    assert exercise.title
    assert exercise.says
    assert len(exercise.task) > 200
    assert len(set(exercise.hints)) == 3
    assert all(len(hint) > 40 for hint in exercise.hints)
    assert exercise.start.is_file()
    assert exercise.check.is_file()


def test_each_stage_has_two_to_five():
    """Numbered from 1, without a gap."""
    for stage in range(1, LAST_STAGE + 1):
        numbers = [each.number for each in ALL if each.stage == stage]
        assert 2 <= len(numbers) <= 5, stage
        assert numbers == [f"{stage:02d}.{place + 1}" for place in range(len(numbers))]


@pytest.mark.parametrize("exercise", HERE, ids=lambda each: each.number)
def test_exercise_fails_its_check_until_it_is_solved(exercise, copy):
    """Its start fails the check in words that help; after the reset, all is as before."""
    before = everything(copy)
    session.start(exercise, root=copy)
    assert session.under_way(copy) == exercise.number
    failed, output = checked(copy, exercise.check)
    assert failed, f"the start is not broken: {output}"
    assert exercise.says in output, output
    assert session.solve(exercise, colour=False, root=copy).startswith("diff --git")
    if exercise.solution:
        failed, output = checked(copy, exercise.check)
        assert not failed, output
    else:
        assert everything(copy) == before, "solved is what the next test proves to pass"
    session.reset(exercise, root=copy)
    assert everything(copy) == before


def test_committed_code_passes_every_check(copy):
    """All checks at once: the committed code solves an exercise, unless a patch does."""
    files = [each.check for each in HERE if not each.solution]
    failed, output = checked(copy, *files)
    assert not failed, output
    assert all(path.parents[2].name in output for path in files)


@pytest.mark.parametrize("exercise", ON_A_STACK, ids=lambda each: each.number)
def test_start_of_deployed_exercise_fits_and_is_reset(exercise, copy):
    """Without a stack, too."""
    before = everything(copy)
    changed = session.start(exercise, root=copy)
    listed = git(copy, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert [line[3:] for line in listed] == changed
    session.reset(exercise, root=copy)
    assert everything(copy) == before
