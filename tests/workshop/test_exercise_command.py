"""`exercise` and `progress`, as a learner types them."""

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import exercise as verb
from workshop.commands import progress as progress_verb
from workshop.errors import UsageError, WorkshopError
from workshop.exercises.catalogue import exercises
from workshop.exercises.session import Taken
from workshop.progress import overview, record

FIRST = exercises()[0]


@pytest.fixture(autouse=True)
def desk(monkeypatch, tmp_path):
    """No record yet, and a session that only notes what is asked of it."""
    monkeypatch.setattr(record, "FILE", tmp_path / "progress.json")

    class Desk:
        at_work = None

    desk = Desk()
    monkeypatch.setattr(verb.session, "under_way", lambda *_: desk.at_work)
    monkeypatch.setattr(verb.session, "start", lambda _: ["somewhere.py"])
    return desk


def run(*arguments):
    """The exit code of a verb, or the error it ends with."""
    done = CliRunner().invoke(app, list(arguments))
    return done.exception if done.exception and done.exit_code == 1 else done.exit_code


def said(*arguments):
    """What a verb that succeeds says: on standard output, and on standard error."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_all_are_listed(desk):
    """Each with its state; solved ones are remembered."""
    desk.at_work = "02.1"
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


def test_hints_come_one_after_the_other(desk):
    """Three, then the last again; a new start begins with the first."""
    desk.at_work = "01.1"
    told = [said("exercise", "01.1", "hint")[0].split(":")[0] for _ in range(4)]
    assert told == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    said("exercise", "01.1", "start")
    assert said("exercise", "01.1", "hint")[0].startswith("Hint 1 of 3")


def test_no_hint_before_the_start():
    assert 'make exercise ARGS="01.1 start"' in str(run("exercise", "01.1", "hint"))


def test_a_passed_check_is_remembered_only_when_it_was_under_way(monkeypatch, desk):
    """The code as it stands passes, too: that solves nothing."""

    class Passed:
        failed = 0

    monkeypatch.setattr(verb.check_report, "run", lambda *_: Passed)
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == []
    desk.at_work = "01.1"
    assert run("exercise", "01.1", "check") == 0
    assert record.load().exercises == ["01.1"]


def test_a_failed_check_is_a_failure(monkeypatch):
    class Failed:
        failed = 1

    monkeypatch.setattr(verb.check_report, "run", lambda *_: Failed)
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

        monkeypatch.setattr(verb, "current", current)
        assert "make up STAGE=5" in str(run("exercise", "05.1", "check"))


def test_reset_says_where_a_try_is_kept(monkeypatch):
    taken = Taken(["a.py"], "refs/workshop/kept/01.1-1", ["b.py"])
    monkeypatch.setattr(verb.session, "reset", lambda *_, **__: taken)
    out, err = said("exercise", "01.1", "reset")
    assert "git diff refs/workshop/kept/01.1-1 -- a.py" in err
    assert "left as it is: b.py" in err
    assert out == "The exercise's files are what they were before exercise 01.1.\n"


@pytest.mark.parametrize("archive", [True, False])
def test_nothing_is_said_where_nothing_is_under_way(monkeypatch, desk, archive):
    """In a downloaded archive, too, which has no exercises."""

    def under_way(*_):
        if archive:
            raise UsageError("This is no git repository")
        return desk.at_work

    monkeypatch.setattr(verb.session, "under_way", under_way)
    assert verb.session.reminder() is None
    desk.at_work = "02.1"
    told = verb.session.reminder()
    assert told is None if archive else 'ARGS="02.1 reset"' in told


def test_reset_names_some_files_and_says_that_there_are_commits_between(monkeypatch):
    """After a change of branch hundreds may differ."""
    left = [f"{number}.py" for number in range(300)]
    monkeypatch.setattr(verb.session, "reset", lambda *_, **__: Taken([], None, left, moved=True))
    out, err = said("exercise", "01.1", "reset")
    assert "0.py, 1.py, 2.py, 3.py, 4.py, 5.py and 294 more\n" in err
    assert "You have committed meanwhile, or are on another branch" in err
    assert out == "The exercise's files are what they were before exercise 01.1.\n"


def test_a_stack_that_is_broken_on_purpose_judges_nothing(monkeypatch):
    """Trouble that is still on would make a right solution red."""

    class Stack:
        stage = 2

        class target:  # noqa: N801
            own = True
            name = "mine"

    def trouble(_):
        raise WorkshopError("There is trouble on purpose")

    monkeypatch.setattr(verb, "current", Stack)
    monkeypatch.setattr(verb, "up", lambda **_: None)
    monkeypatch.setattr(verb, "nothing_is_wrong", trouble)
    assert "trouble on purpose" in str(run("exercise", "02.3", "check"))


def test_all_belongs_to_reset():
    assert isinstance(run("exercise", "01.1", "solve", "--all"), UsageError)


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

        monkeypatch.setattr(progress_verb, "current", current)

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
def test_a_broken_record_only_means_to_begin_anew(content):
    record.FILE.write_text(content)
    assert record.load() == record.Record()
    record.passed_exercise("01.1")
    assert record.load().exercises == ["01.1"]
