"""What only a cloud can judge: the start is refused there, the solution is not."""

import pytest

from tests.fixtures.deployed import PAGES_CLOUD
from tests.fixtures.learner import NEEDS_A_SHELL
from workshop.exercises.catalogue import exercises

pytestmark = [pytest.mark.deployed, NEEDS_A_SHELL]

ON_A_STACK = [each for each in exercises() if each.needs_stack]


@pytest.fixture(scope="module")
def page_session(terminal):
    """A desk where the whole system is up."""
    session = terminal(PAGES_CLOUD)
    if session.run("make status").code:
        done = session.run("make up")
        assert done.code == 0, done.output
    return session


@pytest.mark.parametrize("exercise", ON_A_STACK, ids=lambda each: each.number)
def test_an_exercises_whole_life_on_a_stack(exercise, page_session):
    """Start, check (red, in words that help), solve, check (green), reset: nothing stays."""

    def does(action):
        return page_session.run(f'make exercise ARGS="{exercise.number} {action}"')

    before = page_session.run("git status --porcelain").output
    assert does("start").code == 0
    first = does("check")
    assert first.code == 2, first.output
    assert exercise.says in first.output
    assert does("solve").code == 0
    second = does("check")
    assert second.code == 0, second.output
    assert "is solved" in second.output
    assert does("reset").code == 0
    assert page_session.run("git status --porcelain").output == before
