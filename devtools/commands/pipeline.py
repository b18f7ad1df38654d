"""Verbs that only the pipeline calls: what it tells people, and its last gate."""

from typing import Annotated

import typer

from devtools.commands import quality
from devtools.pipeline import github, jobs, run
from workshop.console import out, say
from workshop.deployment.aws.saved_plan import report_file
from workshop.errors import WorkshopError
from workshop.paths import ROOT

app = typer.Typer()

DRIFTED = "The stack has drifted"
BROKEN = "The newest versions of the dependencies break the workshop"
"""Titles of issues: an open one of this title is written anew instead of opening another."""

Needs = Annotated[
    str, typer.Option(envvar="NEEDS", help="The jobs waited for: GitHub's toJSON(needs).")
]


@app.command()
def ci() -> None:
    """Run what ci.yml runs: every part, on this machine and this Python."""
    quality.everything()


@app.command()
def gate(needs: Needs) -> None:
    """Say whether all jobs passed; one that was skipped did not."""
    ended = jobs.read(needs)
    run.summarise(ended.markdown())
    for name, result in ended.results.items():
        out.print(f"{name}: {result}", markup=False)
    if ended.bad:
        raise WorkshopError(f"Not all passed: {', '.join(ended.bad)}.")
    say("All passed.")


@app.command("plan-comment")
def plan_comment(
    pull_request: Annotated[int, typer.Option(envvar="PULL_REQUEST", min=1, help="Its number.")],
) -> None:
    """Put the plan's report on a pull request, in place of the one before."""
    report = _report("plan")
    run.summarise(report)
    say(f"The plan is told: {github.comment(pull_request, report + run.link())}")


@app.command("drift-issue")
def drift_issue(needs: Needs = "") -> None:
    """Open an issue with the report of `drift`, or write the open one anew; close it when over."""
    if needs and not jobs.read(needs).bad:
        _close(DRIFTED, "The stack is as Terraform left it, and as main says.")
        return
    report = _report("drift")
    run.summarise(report)
    _put(DRIFTED, report + "\nTo put it right: run the last `deploy` of main once more.\n")


@app.command("nightly-issue")
def nightly_issue(needs: Needs) -> None:
    """Open an issue when the newest versions break something; close it when they do not."""
    ended = jobs.read(needs)
    if not ended.bad:
        _close(BROKEN, "The newest versions pass every test.")
        return
    _put(
        BROKEN,
        "To see it here: `make lock ARGS=--upgrade`, then `make test`. The run's artefacts hold "
        f"the lock files it was tested with, and what failed.\n\n{ended.markdown()}",
    )


def _report(verb: str) -> str:
    """What `plan` or `drift` wrote for people.

    Raises:
        WorkshopError: They did not.
    """
    path = report_file()
    if not path.is_file():
        raise WorkshopError(
            f"There is no report in {path.relative_to(ROOT)}. Make it first: make {verb}"
        )
    return path.read_text("utf-8")


def _put(title: str, text: str) -> None:
    say(f"“{title}”: {github.put_issue(title, text + run.link())}")


def _close(title: str, why: str) -> None:
    closed = github.close_issue(title, why + run.link())
    say(f"“{title}”: {'closed.' if closed else 'no such issue is open.'}")
