"""How `check` reports its results to a learner."""

import inspect
import os
import subprocess
import sys

import pytest

from workshop import check_report
from workshop.commands import check
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.paths import ROOT, stage_folder

SCRIPT = """
import sys, pytest
from workshop.check_report import Report
report = Report()
pytest.main(["-p", "no:terminal", "-c", sys.argv[2], "--rootdir", sys.argv[1], sys.argv[1]],
            plugins=[report])
print(report.passed, report.failed, dict(report.left_out))
"""

CHECKS = '''
import pytest

def test_good():
    """An order is put into the table once.

    More for those who read the code.
    """

def test_bad():
    """A declined payment ends the order."""
    assert 1 == 2, "the order is CREATED, not PAYMENT_DECLINED: does the rule match?"

def test_skipped():
    """What only AWS has."""
    pytest.skip("not here")

def test_broken():
    """A table exists."""
    raise RuntimeError("no table")

def test_still_broken():
    """Another table exists."""
    raise RuntimeError("no table")

def test_in_the_code():
    """An error of the code under test is looked for there."""
    from workshop.paths import stage_folder
    stage_folder("three")

def test_hidden():
    """An error that a function hides from its log is shown."""
    from orderflow.step import logged_failures
    from workshop.paths import stage_folder
    with logged_failures():
        stage_folder("four")

def test_unreadable():
    """Code that Python cannot read is shown as Python does."""
    compile("x = (", "store.py", "exec")

def test_unreadable_again():
    """The same message is shown once."""
    compile("x = (", "store.py", "exec")
'''

STAGE_FOLDER = inspect.getsourcelines(stage_folder)[1]


@pytest.fixture
def printed(tmp_path):
    """Return the lines that the report prints for a file of checks."""
    (tmp_path / "test_stage.py").write_text(CHECKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(tmp_path / "pytest.ini")]
    env = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_one_line_for_each_claim_and_a_reason_for_each_failure(printed):
    lines = [line.strip() for line in printed if line.strip()]
    assert lines[1:] == [
        "✓ An order is put into the table once",
        "✗ A declined payment ends the order",
        "the order is CREATED, not PAYMENT_DECLINED: does the rule match?",
        "look at test_stage.py:10",
        "✗ A table exists",
        "RuntimeError: no table",
        "look at test_stage.py:18",
        "✗ Another table exists",
        "as above",
        "look at test_stage.py:22",
        "✗ An error of the code under test is looked for there",
        "KeyError: 'three'",
        f"look at workshop/paths.py:{STAGE_FOLDER + 2}",
        "✗ An error that a function hides from its log is shown",
        "KeyError: 'four'",
        f"look at workshop/paths.py:{STAGE_FOLDER + 2}",
        "✗ Code that Python cannot read is shown as Python does",
        'File "store.py", line 1',
        "x = (",
        "^",
        "SyntaxError: '(' was never closed",
        "✗ The same message is shown once",
        "as above",
        "1 7 {'not here': 1}",
    ]


RUN = """
import sys
from pathlib import Path
from workshop import check_report
check_report.ROOT = Path(sys.argv[1])
print(check_report.run([Path(sys.argv[2])], *sys.argv[3:]).passed)
"""


def test_checks_run_in_a_folder_whose_path_has_brackets(tmp_path):
    """Another project's pytest options do not reach them, either."""
    root = tmp_path / "orders [wip] é"
    test = root / "tests/test_one.py"
    test.parent.mkdir(parents=True)
    test.write_text('def test_one():\n    """One is one."""\n', "utf-8")
    (root / "pytest.ini").write_text("[pytest]\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(root), str(test)],
        cwd=ROOT,
        env=os.environ | {"PYTEST_ADDOPTS": "--no-such-option"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["1"], done.stdout + done.stderr


def test_check_that_never_ends_is_ended_and_the_next_one_runs(tmp_path):
    """The sentence names the time; the code is the learner's."""
    test = tmp_path / "test_one.py"
    test.write_text("def test_one():\n    while True:\n        pass\n\ndef test_two():\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path), str(test), "--timeout=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "It did not end within 1 seconds. Does the code wait or loop for ever?" in done.stdout
    assert done.stdout.splitlines()[-1] == "1", done.stdout + done.stderr


def test_long_check_shows_its_duration_first(monkeypatch, capsys):
    stack = Stack(Target.local("default", "http://127.0.0.1:9"), 5, Outputs("", "", "", {}, {}, {}))
    monkeypatch.setattr(check, "current", lambda: stack)
    monkeypatch.setattr(check, "ensure_no_faults", lambda _: None)
    monkeypatch.setattr(check.record, "passed_check", lambda _: None)
    monkeypatch.setattr(check.check_report, "run", lambda *_: check_report.Report())
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for stage, shown in ((5, True), (4, False)):
        check.check(stage)
        assert ("about two minutes" in capsys.readouterr().err) is shown
