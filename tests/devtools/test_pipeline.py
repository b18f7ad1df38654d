"""What the pipeline tells people, and its last gate: the verbs, with a `gh` that only records."""

import json
import os
import sys

import pytest
from typer.testing import CliRunner

from devtools.cli import app
from devtools.commands import pipeline as verbs
from devtools.pipeline import github
from workshop.errors import UsageError, WorkshopError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake is a script with a #! line")

GH = """\
#!{python}
import json, os, sys
with open({calls!r}, "a") as calls:
    calls.write(json.dumps([sys.argv[1:], sys.stdin.read()]) + "\\n")
print({issues!r} if sys.argv[2] == "list" else "https://github.test/1")
sys.exit({code})
"""
FAILED = {"newest": {"result": "failure", "outputs": {}}, "other": {"result": "success"}}
PASSED = {"drift": {"result": "success", "outputs": {}}}


class FakeGh:
    """A `gh` on PATH that writes down what it is called with."""

    def __init__(self, folder):
        self.folder = folder
        self.install()

    def install(self, issues=(), code=0):
        """Put it there, with these open issues."""
        program = self.folder / "gh"
        calls, listed = str(self.folder / "calls"), json.dumps(issues)
        text = GH.format(python=sys.executable, calls=calls, issues=listed, code=code)
        program.write_text(text, "utf-8")
        program.chmod(0o755)

    @property
    def calls(self):
        """Arguments and standard input of each call."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def gh(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "NEEDS", "PULL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))
    return FakeGh(tmp_path)


@pytest.fixture
def report(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    monkeypatch.setattr(verbs, "ROOT", tmp_path)
    monkeypatch.setattr(verbs, "report_file", lambda: path)
    return path


@pytest.fixture
def in_actions(tmp_path, monkeypatch, gh):
    """GitHub's own environment variables, as documented; gives the file of the page's summary."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/workshop")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    return page


def run(*arguments, **environ):
    """The verb's exit code; an error that a person is told is raised."""
    done = CliRunner().invoke(app, arguments, env=environ)
    if isinstance(done.exception, WorkshopError):
        raise done.exception
    return done.exit_code


def test_a_plan_is_told_in_one_comment_that_is_updated(gh, report):
    """The comment replaces this user's last one, or is made: never one more for each push."""
    report.write_text("### Plan: 3 to add\n", "utf-8")
    assert run("plan-comment", PULL_REQUEST="7") == 0
    [[arguments, told]] = gh.calls
    assert arguments[:3] == ["pr", "comment", "7"]
    assert {"--edit-last", "--create-if-none"} <= set(arguments)
    assert told == "### Plan: 3 to add\n"


def test_a_comment_is_for_a_pull_request(gh, report):
    """Without its number there is nothing to comment on: misuse, and `gh` is not called."""
    report.write_text("a plan", "utf-8")
    assert run("plan-comment") == 2
    assert run("plan-comment", PULL_REQUEST="main") == 2
    assert gh.calls == []


@pytest.mark.parametrize(
    ("arguments", "made_by"),
    [(("plan-comment", "--pull-request", "7"), "make plan"), (("drift-issue",), "make drift")],
)
def test_a_missing_report_is_told(gh, report, arguments, made_by):
    with pytest.raises(WorkshopError, match=f"There is no report in report.md.*{made_by}"):
        run(*arguments)
    assert gh.calls == []


def test_a_missing_gh_is_told(gh, report):
    (gh.folder / "gh").unlink()
    report.write_text("a plan", "utf-8")
    with pytest.raises(UsageError, match="gh, is missing: install it"):
        run("plan-comment", PULL_REQUEST="7")


def test_what_gh_says_when_it_fails_is_told(gh, report):
    gh.install(code=1)
    report.write_text("a plan", "utf-8")
    with pytest.raises(WorkshopError, match="gh pr comment failed"):
        run("plan-comment", PULL_REQUEST="7")


def test_a_drift_opens_an_issue(gh, report):
    report.write_text("### Plan: 1 to change\n", "utf-8")
    gh.install([{"number": 3, "title": "The stack has drifted, they say"}])
    assert run("drift-issue", NEEDS='{"drift": {"result": "failure"}}') == 0
    [_, [arguments, told]] = gh.calls
    assert arguments[:4] == ["issue", "create", "--title", verbs.DRIFTED]
    assert told.startswith("### Plan: 1 to change")


def test_a_drift_that_lasts_updates_its_issue(gh, report):
    """One open issue, however many nights: the oldest of this very title."""
    report.write_text("### Plan: 2 to change\n", "utf-8")
    titles = {5: "Something else", 8: verbs.DRIFTED, 4: verbs.DRIFTED}
    gh.install([{"number": number, "title": title} for number, title in titles.items()])
    assert run("drift-issue") == 0
    [_, [arguments, told]] = gh.calls
    assert arguments[:3] == ["issue", "edit", "4"]
    assert told.startswith("### Plan: 2 to change")


@pytest.mark.parametrize(
    ("verb", "title"), [("drift-issue", verbs.DRIFTED), ("nightly-issue", verbs.BROKEN)]
)
def test_an_issue_that_is_over_is_closed(gh, report, verb, title):
    """When all jobs pass again; no report is needed for that, and no issue is opened."""
    gh.install([{"number": 4, "title": title}])
    assert run(verb, NEEDS=json.dumps(PASSED)) == 0
    assert [arguments[:3] for arguments, _ in gh.calls][1:] == [["issue", "close", "4"]]


def test_a_good_night_without_an_issue_says_nothing(gh):
    assert run("nightly-issue", NEEDS=json.dumps(PASSED)) == 0
    assert [arguments[:2] for arguments, _ in gh.calls] == [["issue", "list"]]


def test_newest_versions_that_break_something_are_an_issue(gh, in_actions):
    """It says what failed, and where to see it; in the repository that the run belongs to."""
    assert run("nightly-issue", NEEDS=json.dumps(FAILED)) == 0
    [_, [arguments, told]] = gh.calls
    assert arguments[:4] == ["issue", "create", "--title", verbs.BROKEN]
    assert arguments[-2:] == ["--repo", "someone/workshop"]
    assert "| newest | failure |" in told
    assert "https://github.com/someone/workshop/actions/runs/42" in told


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_the_gate_is_shut_by_any_job_that_did_not_succeed(gh, result):
    """A job that was skipped has proved nothing, though GitHub counts it as passed."""
    with pytest.raises(WorkshopError, match=r"Not all passed: unit\."):
        run("gate", NEEDS=json.dumps({"lint": {"result": "success"}, "unit": {"result": result}}))


def test_the_gate_is_open_when_all_passed(gh, in_actions):
    """The results stand on the run's page, too."""
    assert run("gate", NEEDS=json.dumps(PASSED)) == 0
    assert "| drift | success |" in in_actions.read_text("utf-8")


@pytest.mark.parametrize("needs", ["{}", "[]", "lint: success", '{"lint": "success"}'])
def test_a_gate_that_knows_no_jobs_stays_shut(gh, needs):
    with pytest.raises(UsageError, match="NEEDS names no jobs"):
        run("gate", NEEDS=needs)


def test_a_gate_that_is_told_nothing_stays_shut(gh):
    assert run("gate") == run("gate", NEEDS="") == 2


def test_reports_stand_on_the_runs_page(gh, report, in_actions):
    """Without Actions' variable nothing is written anywhere (the tests above)."""
    report.write_text("### Plan: 3 to add\n", "utf-8")
    assert run("plan-comment", PULL_REQUEST="7") == 0
    assert in_actions.read_text("utf-8") == "### Plan: 3 to add\n\n"


def test_an_issues_title_is_no_pattern(gh):
    """Only the very same title is ours: another's issue is never written over."""
    gh.install([{"number": 1, "title": verbs.BROKEN.lower()}])
    assert github._open_issue(verbs.BROKEN) is None


def test_ci_runs_every_part(monkeypatch):
    """`make ci` is all of `make test`; test_workflows.py holds ci.yml to the same parts."""
    asked = []
    monkeypatch.setattr(verbs.quality, "everything", lambda: asked.append(None))
    assert run("ci") == 0
    assert asked == [None]
