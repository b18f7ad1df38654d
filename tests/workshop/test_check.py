"""How `check` tells a learner what it found."""

import inspect
import os
import subprocess
import sys

import pytest

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

def test_unreadable():
    """Code that Python cannot read is shown as Python does."""
    compile("x = (", "store.py", "exec")

def test_unreadable_again():
    """The same is told once."""
    compile("x = (", "store.py", "exec")
'''

STAGE_FOLDER = inspect.getsourcelines(stage_folder)[1]


@pytest.fixture
def told(tmp_path):
    """What is printed for a file of four checks."""
    (tmp_path / "test_stage.py").write_text(CHECKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(tmp_path / "pytest.ini")]
    env = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_one_line_for_each_claim_and_a_reason_for_each_failure(told):
    lines = [line.strip() for line in told if line.strip()]
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
        "ValueError: Unknown format code 'd' for object of type 'str'",
        f"look at workshop/paths.py:{STAGE_FOLDER + 2}",
        "✗ Code that Python cannot read is shown as Python does",
        'File "store.py", line 1',
        "x = (",
        "^",
        "SyntaxError: '(' was never closed",
        "✗ The same is told once",
        "as above",
        "1 6 {'not here': 1}",
    ]
