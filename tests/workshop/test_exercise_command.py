"""Tests of the commands `exercise` and `progress`."""

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import exercise as command
from workshop.commands import progress as progress_command
from workshop.errors import NoStackError, UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import exercises
from workshop.paths import LAST_STAGE
from workshop.progress import overview, record

FIRST = exercises()[0]


@pytest.fixture(autouse=True)
def under_way(monkeypatch, tmp_path):
    """Use an empty record and a start that changes no file; return a function that starts."""
    monkeypatch.setattr(record, "FILE", tmp_path / "progress.json")
    monkeypatch.setattr(session, "_record", lambda _: tmp_path / "exercise.json")
    monkeypatch.setattr(session, "start", lambda _: ["somewhere.py"])
    return lambda number: session._save(session.UnderWay(number, [], "commit"), tmp_path)


def run(*arguments):
    """Return the exit code of a command, or the error it ends with."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exception if done.exception and done.exit_code == 1 else done.exit_code


def output(*arguments):
    """Return the output of a command that succeeds, and its standard error."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_exercises_are_listed_with_their_states(under_way):
    under_way("02.1")
    record.passed_exercise("01.1")
    lines = output("exercise")[0].splitlines()
    assert len(lines) == len(exercises()) + 1
    assert lines[0].split() == ["01.1", "✓", *FIRST.title.split()]
    assert "02.1  under way" in lines[2]


def test_error_for_an_unknown_exercise_lists_the_exercises():
    error = run("exercise", "9.9")
    assert isinstance(error, UsageError)
    assert str(error).startswith("There is no exercise 9.9. The exercises are 01.1, 01.2,")


def test_unknown_action_is_a_usage_error():
    assert run("exercise", "01.1", "destroy") == 2


def test_hints_are_shown_one_after_the_other(under_way):
    """After the third, it is shown again; a new start begins with the first."""
    under_way("01.1")
    shown = [output("exercise", "01.1", "hint")[0].split(":")[0] for _ in range(4)]
    assert shown == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    output("exercise", "01.1", "start")
    assert output("exercise", "01.1", "hint")[0].startswith("Hint 1 of 3")


def test_hint_before_the_start_is_an_error():
    assert 'make exercise ARGS="01.1 start"' in str(run("exercise", "01.1", "hint"))


def test_passed_check_is_recorded_only_for_a_started_exercise(monkeypatch, under_way):
    """The unchanged code passes, too; that solves nothing."""

    class Passed:
        failed = 0
        summary = "3 passed, 0 failed"

    monkeypatch.setattr(command.check_report, "run", lambda *_: Passed)
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == []
    under_way("01.1")
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == ["01.1"]
    assert record.load().results == {"01.1": "3 passed, 0 failed"}
    assert output("exercise")[0].splitlines()[0].split()[1:3] == ["not", "reset"]
    assert 'reset exercise 01.1, which is solved: make exercise ARGS="01.1 reset"' in output(
        "progress"
    )[0].replace("\n", " ")


def test_failed_check_ends_with_an_error(monkeypatch):
    class Failed:
        failed = 1

    monkeypatch.setattr(command.check_report, "run", lambda *_: Failed)
    assert CliRunner().invoke(app, ["exercise", "01.1", "check"]).exit_code == 1
    assert record.load().exercises == []


def test_error_names_the_command_when_the_stack_is_missing(monkeypatch):
    """Without a stack, and with one at a lower stage."""
    (needs,) = [each for each in exercises() if each.number == "05.1"]
    assert needs.needs_stack

    class Stack:
        stage = 4

    for found in (NoStackError("none"), Stack()):

        def current(found=found):
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(command, "current", current)
        assert "make up STAGE=5" in str(run("exercise", "05.1", "check"))


def test_watch_without_a_terminal_names_the_check(under_way):
    """Nothing is started."""
    error = run("exercise", "01.1", "watch")
    assert isinstance(error, UsageError)
    assert str(error) == 'Watching needs a terminal. Check once: make exercise ARGS="01.1 check"'
    assert session.under_way() is None


@pytest.mark.parametrize(("number", "deployments"), [("05.1", 1), ("05.4", 0)])
def test_check_deploys_only_an_exercise_that_changes_the_stack(monkeypatch, number, deployments):
    class Target:
        own, name = True, "default"

        @staticmethod
        def environment():
            return {}

    class Stack:
        stage, target = 5, Target

    class Passed:
        failed, summary = 0, ""

    done = []
    monkeypatch.setattr(command, "current", lambda: Stack)
    monkeypatch.setattr(command, "up", lambda **_: done.append("up"))
    monkeypatch.setattr(command, "ensure_no_faults", lambda _: None)
    monkeypatch.setattr(command.check_report, "run", lambda *_: Passed)
    monkeypatch.setattr(command.os, "environ", {})
    assert run("exercise", number, "check") == 0
    assert len(done) == deployments


def test_reset_says_that_the_files_are_as_committed(monkeypatch):
    monkeypatch.setattr(session, "reset", lambda _: None)
    out, _ = output("exercise", "01.1", "reset")
    assert out == "Exercise 01.1 is reset: its files are as in your last commit.\n"


def test_reset_names_a_stage_that_still_exists(monkeypatch):
    """The exercise may have added the stage that is deployed: then its own stage is named."""
    monkeypatch.setattr(session, "reset", lambda _: None)
    monkeypatch.setattr(command, "_deployed", lambda: LAST_STAGE + 1)
    monkeypatch.setattr(command, "_runs_the_files", lambda: False)
    _, said = output("exercise", "01.1", "reset")
    assert "make up STAGE=1\n" in said


def test_solve_shows_the_difference_unless_there_is_none(monkeypatch):
    monkeypatch.setattr(session, "solve", lambda _, colour: "the difference\n")
    assert output("exercise", "01.1", "solve")[0].startswith(
        "the difference\nThe solution is applied"
    )
    monkeypatch.setattr(session, "solve", lambda _, colour: "")
    assert output("exercise", "01.1", "solve")[0] == "Your working copy is the solution already.\n"


def test_reminder_names_the_started_exercise(under_way):
    assert session.reminder() is None
    under_way("02.1")
    assert 'ARGS="02.1 reset"' in session.reminder()


def test_check_is_refused_while_a_fault_is_injected(monkeypatch):
    """The fault could fail a correct solution."""

    class Stack:
        stage = 2

        class target:  # noqa: N801
            own = True
            name = "mine"

    def refuse(_):
        raise WorkshopError("A fault is injected")

    monkeypatch.setattr(command, "current", Stack)
    monkeypatch.setattr(command, "up", lambda **_: None)
    monkeypatch.setattr(command, "ensure_no_faults", refuse)
    assert "A fault is injected" in str(run("exercise", "02.3", "check"))


def test_check_on_a_stack_is_refused_during_an_incident(monkeypatch):
    """It would deploy the working copy, and so remove the cause."""

    class Stack:
        stage = 6

        class target:  # noqa: N801
            own = True
            name = "mine"

    deployed = []
    monkeypatch.setattr(command, "current", Stack)
    monkeypatch.setattr(command, "up", deployed.append)
    monkeypatch.setattr(command.incident_session, "reminder", lambda name: f"Broken: {name}")
    assert str(run("exercise", "02.3", "check")) == "Broken: mine"
    assert deployed == []


@pytest.fixture
def deployed(monkeypatch):
    """Set the stack's stage."""

    def at(stage):
        class Stack:
            pass

        Stack.stage = stage

        def current():
            if stage is None:
                raise NoStackError("No stack is up.")
            return Stack

        monkeypatch.setattr(progress_command, "current", current)

    return at


def next_step(deployed_stage, active=None):
    return overview.next_step(overview.overview(deployed_stage), active, deployed_stage)


def test_first_step_is_stage_1(deployed):
    deployed(None)
    last = output("progress")[0].splitlines()[-1]
    assert last == "Next: stage 1, 01-order-service/README.md: make up STAGE=1"


def test_check_and_exercises_come_before_the_next_stage():
    assert next_step(1).endswith("make check STAGE=1")
    record.passed_check(1)
    assert next_step(1).endswith('make exercise ARGS="01.1 start"')
    record.passed_exercise("01.1")
    record.passed_exercise("01.2")
    assert next_step(1) == "stage 2, 02-payment/README.md: make up STAGE=2"


def test_started_exercise_comes_first():
    assert next_step(3, active="02.1").startswith("exercise 02.1 is started")


def test_check_is_repeated_when_the_code_has_changed(monkeypatch):
    record.passed_check(2)
    monkeypatch.setattr(record, "fingerprint", lambda stage: f"other {stage}")
    first, *_ = overview.overview(2)
    assert first.check == "passed, but the code has changed since"
    assert next_step(2).endswith("make check STAGE=1")


def test_last_step_is_the_deployment_to_aws():
    record.passed_check(LAST_STAGE)
    for each in exercises():
        record.passed_exercise(each.number)
    assert "deploy to AWS" in next_step(LAST_STAGE)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"unknown": 1}', '{"checks": null}', '{"exercises": "01.1"}']
)
def test_broken_record_is_replaced_by_an_empty_one(content):
    record.FILE.write_text(content)
    assert record.load() == record.Record()
    record.passed_exercise("01.1")
    assert record.load().exercises == ["01.1"]
