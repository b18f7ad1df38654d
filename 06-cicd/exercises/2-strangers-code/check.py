"""What must hold at the end of exercise 06.2."""

import re

import pytest
import yaml

from workshop.paths import ROOT

WORKFLOW = ROOT / ".github/workflows/deploy.yml"
WITH_YOUR_PERMISSIONS = ("pull_request_target", "workflow_run", "issue_comment")
"""Events that a stranger can cause, and that GitHub runs with your repository's permissions."""
BY_PULL_REQUEST = ("pull_request", "pull_request_target")
FROM_THE_PULL_REQUEST = re.compile(r"head|pull/|merge_commit|gh pr checkout", re.IGNORECASE)


@pytest.fixture
def workflow():
    """The workflow, as GitHub reads it."""
    try:
        read = yaml.load(WORKFLOW.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - text only
    except yaml.YAMLError as error:
        pytest.fail(f"deploy.yml is not valid YAML: {error}", pytrace=False)
    if not {"plan", "comment"} <= read["jobs"].keys():
        pytest.fail("deploy.yml must have the jobs `plan` and `comment`.", pytrace=False)
    return read


# What GitHub would do ------------------------------------------------------------------------


def triggers(workflow):
    on = workflow["on"]
    return {on} if isinstance(on, str) else {*on}


def pull_request(name, *, fork):
    """Return what GitHub passes to a workflow: a pull request from a fork, or from your branch."""
    owner = "stranger" if fork else "you"
    head = {
        "repo": {"full_name": f"{owner}/orders", "fork": fork, "id": "99" if fork else "22"},
        "sha": "5eed",
        "ref": "change",
    }
    head["repo"]["owner"] = {"login": owner}
    head["user"] = {"login": owner}
    head["label"] = f"{owner}:change"
    base = {"repo": {"full_name": "you/orders", "fork": False, "id": "22"}, "ref": "main"}
    # A stranger may have fixed a word in your README once. That is no reason to trust them.
    association = "CONTRIBUTOR" if fork else "OWNER"
    pull = {"head": head, "base": base, "user": {"login": owner}, "number": "7"}
    return {
        "github": {
            "event_name": name,
            "repository": "you/orders",
            "repository_owner": "you",
            "repository_id": "22",
            "actor": owner,
            "head_ref": "change",
            "base_ref": "main",
            "ref": "refs/heads/main" if name in WITH_YOUR_PERMISSIONS else "refs/pull/7/merge",
            "event": {"pull_request": pull | {"author_association": association}, "number": "7"},
        },
        "vars": {"AWS_PLAN_ROLE_ARN": "plan", "AWS_DEPLOY_ROLE_ARN": "deploy"},
    }


def holds(condition, event, *, succeeded=True):
    """Return whether GitHub continues at an `if`: the condition in Python, on an event's data."""
    text = condition.strip().removeprefix("${{").removesuffix("}}").strip() or "true"
    asks_state = re.search(r"\b(always|cancelled|failure|success)\(\)", text)
    functions = {
        "always": lambda: True,
        "cancelled": lambda: False,
        "failure": lambda: not succeeded,
        "success": lambda: succeeded,
        "contains": lambda whole, part: str(part).lower() in str(whole).lower(),
        "startsWith": lambda whole, part: str(whole).lower().startswith(str(part).lower()),
        "endsWith": lambda whole, part: str(whole).lower().endswith(str(part).lower()),
    }
    words = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}

    def python(found):
        word = found[0]
        if word.startswith("'"):
            return repr(word[1:-1].replace("''", "'"))
        return words.get(word, repr(looked_up(word, event)) if "." in word else word)

    tokens = r"'(?:[^']|'')*'|[A-Za-z_][\w-]*(?:\.[\w-]+)*|&&|\|\||!=|!"
    said = re.sub(tokens, python, " ".join(text.split()))
    try:
        answer = eval(said, {"__builtins__": {}}, functions)  # noqa: S307 - the learner's own file
    except (SyntaxError, NameError, TypeError) as error:
        pytest.fail(f"This check cannot read the condition `{text}`: {error}", pytrace=False)
    return bool(answer) and (succeeded or bool(asks_state))


def looked_up(path, context):
    """Return a context's value; a missing one is empty."""
    value = context
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    return value


def started(workflow, event):
    """Return the jobs that an event starts, if each of them succeeds."""
    jobs, results = workflow["jobs"], {}

    def run(name):
        if name not in results:
            results[name] = ""  # jobs that need each other never run
            needs = jobs[name].get("needs", [])
            outcomes = {each: run(each) for each in ([needs] if isinstance(needs, str) else needs)}
            context = event | {"needs": {each: {"result": outcomes[each]} for each in outcomes}}
            succeeded = all(result == "success" for result in outcomes.values())
            runs = holds(jobs[name].get("if", ""), context, succeeded=succeeded)
            results[name] = "success" if runs else "skipped"
        return results[name]

    return [name for name in jobs if run(name) == "success"]


def fetches_the_pull_request(job):
    """Return whether a job checks out a pull request's code, not the code that GitHub offers."""
    asked = []
    for step in job.get("steps", []):
        if "actions/checkout@" in step.get("uses", ""):
            asked += map(str, step.get("with", {}).values())
        asked.append(step.get("run", ""))
    return any(FROM_THE_PULL_REQUEST.search(each) for each in asked)


def writes(workflow, job):
    """Return a job's write permissions; `id-token` gives access to AWS."""
    permissions = job.get("permissions", workflow.get("permissions", {"contents": "write"}))
    if isinstance(permissions, str):
        return {"contents", "id-token"} if permissions == "write-all" else set()
    return {name for name, access in permissions.items() if access == "write"}


# What it should do ---------------------------------------------------------------------------


def test_no_strangers_code_runs_with_your_permissions(workflow):
    """Nobody gets permissions in your account by opening a pull request"""
    for trigger in triggers(workflow) & {*WITH_YOUR_PERMISSIONS}:
        for name in started(workflow, pull_request(trigger, fork=True)):
            job = workflow["jobs"][name]
            assert not (fetches_the_pull_request(job) and writes(workflow, job)), (
                f"The job `{name}` runs a stranger's code with your permissions. Anybody who opens "
                "a pull request can read and change everything that your roles can access."
            )


def test_the_plan_is_for_your_own_branches(workflow):
    """A fork's pull request gets no plan with a role of your account"""
    for trigger in triggers(workflow) & {*BY_PULL_REQUEST}:
        then = (
            "It uses a role of your account for a stranger."
            if trigger in WITH_YOUR_PERMISSIONS
            else "GitHub gives it no token, so it fails, and the stranger cannot fix that."
        )
        assert "plan" not in started(workflow, pull_request(trigger, fork=True)), (
            f"A fork's pull request starts the job `plan`. {then}"
        )


def test_your_own_pull_requests_get_their_plan(workflow):
    """Your own pull requests still get a plan, and a comment"""
    found = triggers(workflow) & {*BY_PULL_REQUEST}
    assert found, "No pull request starts this workflow, so none gets a plan."
    for trigger in found:
        event = pull_request(trigger, fork=False)
        runs, plan = started(workflow, event), workflow["jobs"]["plan"]
        assert "plan" in runs, (
            f"A pull request from your own branch no longer gets a plan: the workflow starts on "
            f"`{trigger}`, and the condition of the job `plan` is false."
        )
        assert trigger == "pull_request" or fetches_the_pull_request(plan), (
            f"On `{trigger}` GitHub offers the code of main. The plan does not show what the pull "
            "request would change."
        )
        assert "id-token" in writes(workflow, plan), (
            "The plan job cannot prove to AWS who it is: it has no `id-token: write`."
        )
        steps = [step for step in plan["steps"] if holds(step.get("if", ""), event)]
        assert any("make plan" in step.get("run", "") for step in steps), "Nothing is planned."
        kept = [step for step in steps if "report.md" in str(step.get("with", {}).get("path"))]
        assert kept, f"On `{trigger}` the plan's report is not stored, so the comment has no text."
        assert "comment" in runs, (
            f"On `{trigger}` the job `comment` does not run, so nobody sees the plan."
        )
