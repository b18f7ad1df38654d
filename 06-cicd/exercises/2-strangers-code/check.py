"""What must hold at the end of exercise 06.2."""

import pytest
import yaml

from workshop.paths import ROOT

WORKFLOW = ROOT / ".github/workflows/deploy.yml"


@pytest.fixture
def workflow():
    """The workflow, as GitHub reads it."""
    try:
        return yaml.load(WORKFLOW.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - text only
    except yaml.YAMLError as error:
        pytest.fail(f"deploy.yml is no YAML: {error}", pytrace=False)


def checked_out(job):
    """Which revisions a job checks out; none named: what GitHub offers."""
    steps = job.get("steps", [])
    uses = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    return [str(step.get("with", {}).get("ref", "")) for step in uses]


def test_no_strangers_code_runs_with_your_rights(workflow):
    """Nobody gets rights in your account by opening a pull request"""
    trusted = "pull_request_target" in workflow["on"] or "workflow_run" in workflow["on"]
    for name, job in workflow["jobs"].items():
        foreign = [ref for ref in checked_out(job) if "pull_request" in ref or "head" in ref]
        rights = job.get("permissions", workflow.get("permissions", {}))
        powerful = rights == "write-all" or "write" in dict(rights or {}).values()
        assert not (trusted and foreign and powerful), (
            f"The job `{name}` runs a stranger's code with rights of yours: whoever opens a pull "
            "request can have it print, change or take what your roles can reach."
        )


def test_the_plan_is_for_your_own_branches(workflow):
    """A fork's pull request is not planned with a role of your account"""
    condition = " ".join(workflow["jobs"]["plan"].get("if", "").split())
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition, (
        "The plan job does not ask where a pull request comes from: a fork's would be planned, too."
    )


def test_your_own_pull_requests_get_their_plan(workflow):
    """Your own pull requests still get a plan, and a comment"""
    started = {"pull_request", "pull_request_target"} & {*workflow["on"]}
    assert started, "No pull request gets a plan any more."
    job = workflow["jobs"]["plan"]
    assert dict(job["permissions"]).get("id-token") == "write", (
        "The plan job cannot show AWS who it is any more."
    )
    assert any(step.get("run") == "make plan" for step in job["steps"])
