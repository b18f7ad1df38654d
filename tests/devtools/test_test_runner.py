"""Counting the results of the parts of the tests."""

from devtools import test_runner
from devtools.commands import quality
from devtools.test_runner import Tally


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
