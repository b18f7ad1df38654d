"""Counting the results of the parts of the tests."""

import re

import pytest
import typer

from devtools import test_runner
from devtools.commands import quality
from devtools.test_runner import BESIDES_A_STACK, ON_A_STACK, Tally
from workshop.paths import ROOT, in_stages


def test_a_report_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="1"/></testsuites>'
    )
    assert test_runner._counts(report) == Tally(passed=5, failed=3)


def test_a_tool_is_one_check():
    assert test_runner._tool("json.tool", "--help") == Tally(passed=1)
    assert test_runner._tool("json.tool", "--nonsense") == Tally(failed=1)


def test_table_of_parts_is_on_the_page_of_the_github_run(tmp_path, monkeypatch):
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setitem(quality.PARTS, "lint", lambda: Tally(passed=2))
    quality.run_parts(["lint"])
    assert page.read_text("utf-8").splitlines()[2] == "| lint | 0 | 2 | 0 |"


def test_every_deployed_test_belongs_to_a_part():
    """A new file elsewhere would be run by nobody."""
    parts = [ROOT / each for each in (*ON_A_STACK, *BESIDES_A_STACK) if not each.startswith("-")]
    files = [*ROOT.glob("tests/**/test_*.py"), *in_stages("tests/**/test_*.py")]
    marked = re.compile(r"^(pytestmark = .*|@)pytest\.mark\.deployed", re.MULTILINE)
    deployed = [path for path in files if marked.search(path.read_text("utf-8"))]
    assert len(deployed) > 10
    assert [path for path in deployed if not any(path.is_relative_to(each) for each in parts)] == []


def test_a_run_without_tests_is_no_success(tmp_path):
    assert test_runner._pytest("none", str(tmp_path), quiet=True) == Tally(failed=1)


def test_tests_keep_their_bytecode_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "test_one.py").write_text("def test_one(): assert True\n", "utf-8")
    assert test_runner._pytest("none", str(tmp_path), quiet=True) == Tally(passed=1)
    assert list(tmp_path.rglob("*.pyc"))


def test_an_unexpected_error_of_a_part_hides_no_other_result(monkeypatch, capsys):
    def broken():
        raise OSError("disk full")

    monkeypatch.setitem(quality.PARTS, "lint", broken)
    monkeypatch.setitem(quality.BESIDE, "types", lambda: Tally(passed=1))
    monkeypatch.setitem(quality.PARTS, "stack", lambda: Tally(passed=3))
    with pytest.raises(typer.Exit):
        quality.run_parts(["lint", "types", "stack"])
    assert "4 passed, 1 failed" in capsys.readouterr().out
