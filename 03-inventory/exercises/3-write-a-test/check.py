"""The checks of exercise 03.3."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.check_report import names
from workshop.paths import ROOT

HERE = Path(__file__).parent
TESTS = HERE / "test_reserve.py"
RUNNER = HERE / "planted_bugs.py"

spec = importlib.util.spec_from_file_location("planted_bugs", RUNNER)
planted_bugs = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = planted_bugs
spec.loader.exec_module(planted_bugs)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What the learner's tests find, with the right code and with each bug."""
    if not TESTS.exists():
        pytest.fail("There is no test_reserve.py: start the exercise.", pytrace=False)
    result = tmp_path_factory.mktemp("planted") / "result.json"
    done = subprocess.run(
        [sys.executable, *names([RUNNER, TESTS]), str(result)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if not result.exists():
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        pytest.fail(f"Your tests ended the program that runs them. {''.join(last)}", pytrace=False)
    outcome = json.loads(result.read_text("utf-8"))
    if outcome["unreadable"]:
        marked = [
            line.removeprefix("E").strip()
            for line in outcome["unreadable"].splitlines()
            if line.startswith("E ")
        ]
        why = " ".join(marked[-1:] or outcome["unreadable"].splitlines()[-1:])
        pytest.fail(f"Python cannot read test_reserve.py: {why}", pytrace=False)
    return outcome


def test_there_is_a_test(outcome):
    """The file has a test"""
    assert outcome["tests"], (
        "There is no test in test_reserve.py. A test is a function with a name that starts with "
        "`test_`."
    )


def test_your_tests_pass_with_the_right_code(outcome):
    """Your tests pass with the right code"""
    for name, why in outcome["failures"].items():
        first = why.removeprefix("AssertionError: ").strip().partition("\n")[0]
        pytest.fail(f"{name} fails, but the code has no bug: {first}", pytrace=False)


@pytest.mark.parametrize("bug", planted_bugs.BUGS)
def test_your_tests_find_a_bug(outcome, bug):
    """Your tests find this bug:"""
    if outcome["failures"]:
        pytest.fail("First make your tests pass with the right code.", pytrace=False)
    if not outcome["found"]:
        pytest.fail("Your tests find no bug: they pass whatever the code does.", pytrace=False)
    if bug not in outcome["found"]:
        pytest.fail("With this bug in the code all your tests pass.", pytrace=False)
