"""`exercise` and `progress`, as a learner types them."""

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import exercise as command
from workshop.commands import progress as progress_command
from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import exercises
from workshop.progress import overview, record

FIRST = exercises()[0]


@pytest.fixture(autouse=True)
def under_way(monkeypatch, tmp_path):
    """Start with no records and a start that changes nothing; return what marks an exercise."""
    monkeypatch.setattr(record, "FILE", tmp_path / "progress.json")
    monkeypatch.setattr(session, "_record", lambda _: tmp_path / "exercise.json")
    monkeypatch.setattr(session, "start", lambda _: ["somewhere.py"])
    return lambda number: session._save(session.UnderWay(number, [], "commit"), tmp_path)


def run(*arguments):
    """Return the exit code of a command, or the error it ends with."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exception if done.exception and done.exit_code == 1 else done.exit_code


def said(*arguments):
    """Return the output of a command that succeeds, and its standard error."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_all_are_listed(under_way):
    """Each with its state; solved ones are remembered."""
    under_way("02.1")
    record.passed_exercise("01.1")
    lines = said("exercise")[0].splitlines()
    assert len(lines) == len(exercises()) + 1
    assert lines[0].split() == ["01.1", "✓", *FIRST.title.split()]
    assert "02.1  under way" in lines[2]


def test_an_unknown_one_is_answered_with_those_there_are():
    error = run("exercise", "9.9")
    assert isinstance(error, UsageError)
    assert str(error).startswith("There is no exercise 9.9. There are 01.1, 01.2,")


def test_an_unknown_action_is_misuse():
    assert run("exercise", "01.1", "destroy") == 2


def test_hints_come_one_after_the_other(under_way):
    """Three, then the last again; a new start begins with the first."""
    under_way("01.1")
    told = [said("exercise", "01.1", "hint")[0].split(":")[0] for _ in range(4)]
    assert told == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    said("exercise", "01.1", "start")
    assert said("exercise", "01.1", "hint")[0].startswith("Hint 1 of 3")


def test_no_hint_before_the_start():
    assert 'make exercise ARGS="01.1 start"' in str(run("exercise", "01.1", "hint"))


def test_a_passed_check_is_remembered_only_when_it_was_under_way(monkeypatch, under_way):
    """The code as it stands passes, too: that solves nothing."""

    class Passed:
        failed = 0

    monkeypatch.setattr(command.check_report, "run", lambda *_: Passed)
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == []
    under_way("01.1")
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == ["01.1"]


def test_a_failed_check_is_a_failure(monkeypatch):
    class Failed:
        failed = 1

    monkeypatch.setattr(command.check_report, "run", lambda *_: Failed)
    assert CliRunner().invoke(app, ["exercise", "01.1", "check"]).exit_code == 1
    assert record.load().exercises == []


def test_what_needs_a_stack_says_so(monkeypatch):
    """Without one, and with one that is not far enough."""
    (needs,) = [each for each in exercises() if each.number == "05.1"]
    assert needs.needs_stack

    class Stack:
        stage = 4

    for found in (WorkshopError("none"), Stack()):

        def current(found=found):
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(command, "current", current)
        assert "make up STAGE=5" in str(run("exercise", "05.1", "check"))


def test_reset_says_where_the_files_are(monkeypatch):
    monkeypatch.setattr(session, "reset", lambda _: None)
    out, _ = said("exercise", "01.1", "reset")
    assert out == "Exercise 01.1 is reset: its files are as in your last commit.\n"


def test_solve_shows_the_solution_unless_it_is_in_place(monkeypatch):
    monkeypatch.setattr(session, "solve", lambda _, colour: "the difference\n")
    assert said("exercise", "01.1", "solve")[0].startswith("the difference\nThe solution is in")
    monkeypatch.setattr(session, "solve", lambda _, colour: "")
    assert said("exercise", "01.1", "solve")[0] == "Your working copy is the solution already.\n"


def test_reminder_names_the_exercise_that_is_under_way(under_way):
    assert session.reminder() is None
    under_way("02.1")
    assert 'ARGS="02.1 reset"' in session.reminder()


def test_a_stack_that_is_broken_on_purpose_judges_nothing(monkeypatch):
    """Trouble that is still on would make a right solution red."""

    class Stack:
        stage = 2

        class target:  # noqa: N801
            own = True
            name = "mine"

    def trouble(_):
        raise WorkshopError("There is trouble on purpose")

    monkeypatch.setattr(command, "current", Stack)
    monkeypatch.setattr(command, "up", lambda **_: None)
    monkeypatch.setattr(command, "nothing_is_wrong", trouble)
    assert "trouble on purpose" in str(run("exercise", "02.3", "check"))


@pytest.fixture
def deployed(monkeypatch):
    """Say which stage the stack is at."""

    def at(stage):
        class Stack:
            pass

        Stack.stage = stage

        def current():
            if stage is None:
                raise WorkshopError("No stack is up.")
            return Stack

        monkeypatch.setattr(progress_command, "current", current)

    return at


def following(deployed_stage, under_way=None):
    return overview.following(overview.overview(deployed_stage), under_way, deployed_stage)


def test_a_newcomer_begins_with_the_first_stage(deployed):
    deployed(None)
    last = said("progress")[0].splitlines()[-1]
    assert last == "Next: stage 1, 01-order-service/README.md: make up STAGE=1"


def test_what_is_up_is_checked_then_come_the_exercises():
    """Deploy, check, exercises, and on to the next stage."""
    assert following(1).endswith("make check STAGE=1")
    record.passed_check(1)
    assert following(1).endswith('make exercise ARGS="01.1 start"')
    record.passed_exercise("01.1")
    record.passed_exercise("01.2")
    assert following(1) == "stage 2, 02-payment/README.md: make up STAGE=2"


def test_an_exercise_under_way_comes_first():
    assert following(3, under_way="02.1").startswith("exercise 02.1 is under way")


def test_a_check_of_code_that_has_changed_since_has_to_be_made_again(monkeypatch):
    record.passed_check(2)
    monkeypatch.setattr(record, "fingerprint", lambda stage: f"other {stage}")
    first, *_ = overview.overview(2)
    assert first.check == "passed, but the code has changed since"
    assert following(2).endswith("make check STAGE=1")


def test_who_has_done_all_is_sent_to_aws():
    record.passed_check(6)
    for each in exercises():
        record.passed_exercise(each.number)
    assert "To AWS" in following(6)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"unknown": 1}', '{"checks": null}', '{"exercises": "01.1"}']
)
def test_broken_record_is_replaced_by_an_empty_one(content):
    record.FILE.write_text(content)
    assert record.load() == record.Record()
    record.passed_exercise("01.1")
    assert record.load().exercises == ["01.1"]
