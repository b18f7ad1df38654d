"""The workflows: pinned, with least privilege; they deploy only what was tested and approved.

GitHub cannot run here. A workflow's steps are make commands, which run here, and a few lines of
GitHub's own `gh`. These tests read the rest. Scalars are read as text.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import typer
import yaml

from devtools import cli as maintainers
from devtools.commands.quality import PARTS
from devtools.launcher import NEEDS as MAINTAINERS_NEEDS
from workshop import cli
from workshop.deployment import bundles
from workshop.deployment.terraform import program
from workshop.environments import DEV, SECURITY, WORKSHOP
from workshop.launcher import NEEDS as LEARNERS_NEEDS
from workshop.paths import ROOT

FOLDER = ROOT / ".github"
SETUP = FOLDER / "actions/setup/action.yml"
FILES = [*sorted(FOLDER.glob("workflows/*.yml")), SETUP]
TEXTS = {path.stem if path != SETUP else "setup": path.read_text("utf-8") for path in FILES}
LOADED = {name: yaml.load(text, yaml.BaseLoader) for name, text in TEXTS.items()}  # noqa: S506 - makes text only
WORKFLOWS = {name: loaded for name, loaded in LOADED.items() if name != "setup"}
JOBS = {(flow, name): job for flow in WORKFLOWS for name, job in WORKFLOWS[flow]["jobs"].items()}
OWN = {key: job for key, job in JOBS.items() if "steps" in job}
"""The jobs with steps, without those that call another workflow."""
LINES = [(key, step) for key, job in OWN.items() for step in job["steps"] if "run" in step]
LINE_NAMES = [f"{flow}/{job}: {step['name']}" for (flow, job), step in LINES]
CI, DEPLOY, NIGHTLY = (WORKFLOWS[name]["jobs"] for name in ("ci", "deploy", "nightly"))

COMMAND = re.compile(
    r'(make|python -m workshop|python -m devtools) ("\$PART"|[a-z-]+)(?: ARGS=(--[a-z]+))?'
)
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
LEARNERS = typer.main.get_command(cli.app).commands
COMMANDS = {**LEARNERS, **typer.main.get_command(maintainers.app).commands}
GITHUBS = {"GH_REPO", "GH_TOKEN", "RUFF_OUTPUT_FORMAT"}
"""Variables that gh and ruff read themselves."""

BECOME, UPLOAD, DOWNLOAD, CHECKOUT = (
    "aws-actions/configure-aws-credentials",
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/checkout",
)


def matrix(job):
    """Return the combinations of a job's `matrix.include`; without it, one that is empty."""
    return job.get("strategy", {}).get("matrix", {}).get("include", [{}])


def commands(job):
    """Return the workshop's commands that a job runs, in order."""
    found = [match for step in job["steps"] if (match := COMMAND.fullmatch(step.get("run", "")))]
    parts = [each["part"] for each in matrix(job) if "part" in each]
    return [name for each in found for name in (parts if "$" in each[2] else [each[2]])]


def needs(command):
    """Return the environments that a command needs."""
    if command in LEARNERS:
        return LEARNERS_NEEDS.get(command, (WORKSHOP,))
    return MAINTAINERS_NEEDS.get(command, (DEV,))


def using(job, action):
    """Return what a job's steps pass to an action."""
    uses = [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]
    return [step.get("with", {}) for step in uses]


def set_up(job):
    """Return what a job passes to the setup; {} if nothing."""
    found = [step for step in job["steps"] if step.get("uses") == "$/.github/actions/setup"]
    assert len(found) <= 1
    return found[0].get("with", {}) if found else {}


def calling(*wanted):
    """Return the jobs that run any of these commands."""
    return {key for key, job in OWN.items() if set(commands(job)) & set(wanted)}


def test_there_are_four_workflows():
    assert set(WORKFLOWS) == {"ci", "deploy", "destroy", "nightly"}


# Command lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "step"), LINES, ids=LINE_NAMES)
def test_line_is_a_make_command_that_exists_or_needs_only_gh(key, step, shell):
    """A system without make uses Python."""
    assert "shell" not in step
    if not (line := COMMAND.fullmatch(step["run"])):
        assert "not found" not in shell(step).stderr
        return
    program, _, option = line.groups()
    for command in commands({**JOBS[key], "steps": [step]}):
        assert command in MAKE_TARGETS
        assert command in COMMANDS
        module = "workshop" if command in LEARNERS else "devtools"
        linux = JOBS[key]["runs-on"] == "ubuntu-latest"
        assert program == ("make" if linux else f"python -m {module}")
        options = {name for each in COMMANDS[command].params for name in each.opts}
        assert option is None or option in options


@pytest.mark.parametrize(("key", "step"), LINES, ids=LINE_NAMES)
def test_variable_that_is_passed_is_read(key, step):
    """A misspelt name would have no effect, and no error."""
    used = set(re.findall(r"\$(\w+)|\benv\.(\w+)", step["run"]))
    read = {name for pair in used for name in pair if name} | GITHUBS
    for command in commands({**JOBS[key], "steps": [step]}):
        read |= {option.envvar for option in COMMANDS[command].params}
    assert set(step.get("env", {})) <= read


def test_no_line_contains_an_expression():
    """GitHub inserts its value into the shell line, and a stranger may choose it; `env` is safe."""
    assert not [step["run"] for _, step in LINES if "${{" in step["run"]]


def test_confirmation_reaches_destroy_through_its_environment_only():
    """The command compares it with the prefix. No shell reads it."""
    [line] = [step for step in JOBS["destroy", "destroy"]["steps"] if "run" in step]
    assert line["env"]["CONFIRM_DESTROY"] == "${{ inputs.confirm }}"
    assert TEXTS["destroy"].count("inputs.") == 1
    assert list(WORKFLOWS["destroy"]["on"]) == ["workflow_dispatch"], "started by a person only"


# Actions and permissions -------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEXTS)
def test_action_is_pinned_by_commit(name):
    """A tag can move to other code, a commit cannot. The version is in a comment."""
    lines = re.findall(r"\buses: *(.*)$", TEXTS[name], re.MULTILINE)
    assert lines
    for line in lines:
        if own := re.fullmatch(r"\$/(\.github/[\w./-]+)", line):
            assert (ROOT / own[1]).exists()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_action_has_one_pin_that_dependabot_updates():
    pins = set(re.findall(r"uses: *([\w-]+/[\w-]+)@(.*)$", "\n".join(TEXTS.values()), re.MULTILINE))
    assert len(pins) == len({action for action, _ in pins})
    bot = yaml.safe_load((FOLDER / "dependabot.yml").read_text("utf-8"))
    [actions] = [each for each in bot["updates"] if each["package-ecosystem"] == "github-actions"]
    own = {f"/{path.parent.relative_to(ROOT).as_posix()}" for path in FOLDER.glob("actions/*/*")}
    assert set(actions["directories"]) == {"/", *own}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_has_no_permissions_and_no_secrets(name):
    """Each job has its own; `pull_request_target` would give them to a fork's code."""
    assert WORKFLOWS[name]["permissions"] == {}
    for word in ("pull_request_target", "workflow_run", "secrets."):
        assert word not in TEXTS[name]


@pytest.mark.parametrize("key", JOBS, ids="/".join)
def test_job_has_the_least_permissions_and_a_time_limit(key):
    """Read for a checkout, a token to assume a role in AWS, and write for gh."""
    job = JOBS[key]
    if key not in OWN:
        assert job["permissions"] == {"contents": "read"}
        return
    assert 0 < int(job["timeout-minutes"]) <= 60
    checkouts, lines = using(job, CHECKOUT), str(job["steps"])
    assert checkouts == ([{"persist-credentials": "false"}] if commands(job) else [])
    permissions = {"contents": "read"} if checkouts else {}
    permissions |= {"id-token": "write"} if using(job, BECOME) else {}
    permissions |= {"pull-requests": "write"} if "gh pr comment" in lines else {}
    permissions |= {"issues": "write"} if "gh issue create" in lines else {}
    assert job["permissions"] == permissions


def test_no_job_has_credentials_for_aws_and_for_github():
    for key, step in LINES:
        assert not ("GH_TOKEN" in step.get("env", {}) and using(JOBS[key], BECOME)), key


@pytest.mark.parametrize("key", [key for key in OWN if using(OWN[key], BECOME)], ids="/".join)
def test_role_is_a_variable_of_the_repository(key):
    """The deploy role for jobs that change AWS, after an approval; else the plan role."""
    job = JOBS[key]
    changes = key in calling("apply", "release", "destroy")
    role = "vars.AWS_DEPLOY_ROLE_ARN" if changes else "vars.AWS_PLAN_ROLE_ARN"
    passed = {"role-to-assume": f"${{{{ {role} }}}}", "aws-region": "${{ vars.AWS_REGION }}"}
    assert using(job, BECOME) == [passed]
    assert job.get("environment") == ("production" if changes else None)
    for step in job["steps"]:
        if "run" in step:
            assert step["env"]["NAME_PREFIX"] == "${{ vars.NAME_PREFIX }}"


def test_only_jobs_that_change_aws_wait_for_approval():
    """The environment's name is in the token for AWS, so no other job may have it."""
    assert {key for key, job in JOBS.items() if "environment" in job} == calling("apply", "destroy")


# What runs when ----------------------------------------------------------------------------------

RESULTS = ("success", "failure", "cancelled", "skipped")


def runs(job, context, *, cancelled=False):
    """Return whether GitHub would run a job or a step: its `if` in Python, on an event's data.

    Without a status function GitHub adds `success()`: every needed job succeeded.
    """
    condition = job.get("if", "true").removeprefix("${{").removesuffix("}}").strip()
    needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
    succeeded = all(context["needs"][name]["result"] == "success" for name in needed)
    states = {"cancelled": cancelled, "always": True, "success": succeeded}

    def python(found):
        text = found[0]
        if text.startswith("'"):
            return text
        if text == "needs.*.result":
            return repr([each["result"] for each in context["needs"].values()])
        if text.endswith("()"):
            return str(states[text[:-2]])
        if "." in text:
            return repr(looked_up(text, context))
        words = {"&&": " and ", "||": " or ", "!": " not ", "!=": "!=", "true": "True"}
        return words[text]

    tokens = r"'[^']*'|needs\.\*\.result|[a-z]+\(\)|[a-z_]+(?:\.[\w-]+)+|\btrue\b|&&|\|\||!=|!(?!=)"
    functions = {"contains": lambda values, value: value in values}
    value = eval(re.sub(tokens, python, condition), functions)  # noqa: S307 - our own files' text
    return bool(value) and (succeeded or any(f"{state}()" in condition for state in states))


def looked_up(path, context):
    """Return a context's value; empty if it is not set."""
    value = context
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    return value


def event(name, *, head="us/workshop", ref="refs/heads/main", **results):
    pull = {"pull_request": {"head": {"repo": {"full_name": head}}}}
    return {
        "github": {
            "event_name": name,
            "ref": ref,
            "repository": "us/workshop",
            "event": pull if name == "pull_request" else {},
        },
        "vars": {"AWS_PLAN_ROLE_ARN": "arn:plan", "AWS_DEPLOY_ROLE_ARN": "arn:deploy"},
        "needs": {job: {"result": result} for job, result in results.items()},
    }


def test_main_is_tested_then_planned_then_deployed():
    """In one run: no plan after a failure, no deployment without a plan."""
    assert DEPLOY["ci"]["uses"] == "$/.github/workflows/ci.yml"
    assert (DEPLOY["plan"]["needs"], DEPLOY["deploy"]["needs"]) == ("ci", "plan")
    assert runs(DEPLOY["ci"], event("push"))
    for result in RESULTS:
        assert runs(DEPLOY["plan"], event("push", ci=result)) == (result == "success")
        assert runs(DEPLOY["deploy"], event("push", plan=result)) == (result == "success")
        assert not runs(DEPLOY["comment"], event("push", plan=result))
    assert commands(DEPLOY["deploy"]) == ["apply", "release"]
    assert WORKFLOWS["deploy"]["on"]["push"] == {"branches": ["main"]}


def test_pull_request_is_planned_and_commented_but_never_deployed():
    pull = "pull_request"
    assert not runs(DEPLOY["ci"], event(pull)), "ci.yml runs by itself"
    assert runs(DEPLOY["plan"], event(pull, ci="skipped"))
    for result in RESULTS:
        assert runs(DEPLOY["comment"], event(pull, plan=result)) == (result == "success")
        assert not runs(DEPLOY["deploy"], event(pull, plan=result))


def test_pull_request_of_a_fork_gets_no_token():
    """Not even for the plan role: anybody may open a pull request."""
    assert not runs(DEPLOY["plan"], event("pull_request", head="them/workshop", ci="skipped"))


def test_cancelled_run_starts_no_more_jobs():
    for name, results in {"plan": {"ci": "success"}, "deploy": {"plan": "success"}}.items():
        assert not runs(DEPLOY[name], event("push", **results), cancelled=True)


@pytest.mark.parametrize(
    ("flow", "name", "trigger", "roles"),
    [
        ("deploy", "plan", "push", {"AWS_PLAN_ROLE_ARN", "AWS_DEPLOY_ROLE_ARN"}),
        ("deploy", "plan", "pull_request", {"AWS_PLAN_ROLE_ARN", "AWS_DEPLOY_ROLE_ARN"}),
        ("destroy", "destroy", "workflow_dispatch", {"AWS_DEPLOY_ROLE_ARN"}),
        ("nightly", "drift", "schedule", {"AWS_PLAN_ROLE_ARN"}),
    ],
)
def test_job_that_needs_an_account_is_skipped_in_a_fresh_fork(flow, name, trigger, roles):
    """And the jobs that need it (see the tests above)."""
    job, known = WORKFLOWS[flow]["jobs"][name], event(trigger, ci="success")
    assert runs(job, known)
    for role in roles:
        assert not runs(job, known | {"vars": known["vars"] | {role: ""}})
    assert not runs(job, known | {"vars": {}})


def test_role_is_assumed_on_main_only():
    """Except for a pull request's plan. GitHub offers `workflow_dispatch` on every branch."""
    for key in (("destroy", "destroy"), ("nightly", "drift")):
        assert not runs(JOBS[key], event("workflow_dispatch", ref="refs/heads/other"))


def test_gate_waits_for_every_job_of_ci_and_always_runs():
    """A skipped gate counts as passed."""
    gate = CI["all-green"]
    assert set(gate["needs"]) == set(CI) - {"all-green"}
    failed = dict.fromkeys(gate["needs"], "failure")
    assert runs(gate, event("push", **failed), cancelled=True)
    others = [job for name, job in CI.items() if name != "all-green"]
    assert not [job for job in others if "if" in job or "continue-on-error" in str(job)]


@pytest.mark.parametrize("result", RESULTS)
def test_gate_fails_unless_every_job_succeeded(result, shell):
    """GitHub counts a skipped job as passed, but it tested nothing."""
    [step] = CI["all-green"]["steps"]
    results = dict.fromkeys(CI["all-green"]["needs"], "success") | {"unit": result}
    assert runs(step, event("push", **results)) == (result != "success")
    assert shell(step).returncode == 1


def test_deploy_and_destroy_never_overlap_and_are_never_cancelled():
    """Both are in one group, which cancels no run. New runs of a branch's tests cancel old ones."""
    destroy = WORKFLOWS["destroy"]["concurrency"]
    assert destroy == {"group": "production", "cancel-in-progress": "false"}
    deploy = WORKFLOWS["deploy"]["concurrency"]
    group = "github.event_name == 'push' && 'production' || format('plan-{0}', github.ref)"
    assert deploy["group"] == f"${{{{ {group} }}}}"
    cancels = {"if": deploy["cancel-in-progress"]}
    assert not runs(cancels, event("push"))
    assert runs(cancels, event("pull_request"))
    assert WORKFLOWS["ci"]["concurrency"]["cancel-in-progress"] == "true"
    assert "github.ref " in WORKFLOWS["ci"]["concurrency"]["group"]


# Comments and issues -----------------------------------------------------------------------------

FAKE = """\
#!{python}
import json, pathlib, sys
words = sys.argv[1:]
if words[:2] == ["issue", "list"]:
    print({listed!r})
else:
    body = pathlib.Path(words[words.index("--body-file") + 1]) if "--body-file" in words else None
    text = body.read_text() if body and body.exists() else ""
    with open("calls", "a") as calls:
        print(json.dumps([words, text]), file=calls)
"""


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs a step's lines with a fake `gh` as the only program."""
    bash = shutil.which("bash")
    if os.name == "nt" or not bash:
        pytest.skip("the fake gh is a script with a #! line")
    tools = tmp_path / "bin"
    tools.mkdir()

    def run(step, *, listed="", **variables):
        (tools / "gh").write_text(FAKE.format(python=sys.executable, listed=listed), "utf-8")
        (tools / "gh").chmod(0o755)
        environment = dict.fromkeys(step.get("env", {}), "") | {"PATH": str(tools)} | variables
        return subprocess.run(
            [bash, "-e", "-c", step["run"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def called(folder):
    """Return the arguments and body of each call of the fake gh that writes."""
    path = folder / "calls"
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


def test_plan_is_one_comment_that_each_push_updates(tmp_path, shell):
    (tmp_path / "report.md").write_text("### Plan: 3 to add\n", "utf-8")
    *_, step = DEPLOY["comment"]["steps"]
    assert shell(step, PULL_REQUEST="7").returncode == 0
    [[words, body]] = called(tmp_path)
    assert words[:3] == ["pr", "comment", "7"]
    assert {"--edit-last", "--create-if-none"} <= set(words)
    assert body == "### Plan: 3 to add\n"


@pytest.mark.parametrize(
    ("result", "open_issue", "wanted"),
    [
        ("failure", "", ["issue", "create", "--title", "The title"]),
        ("cancelled", "", ["issue", "create", "--title", "The title"]),  # the job's timeout
        ("failure", "4", ["issue", "edit", "4"]),
        ("success", "4", ["issue", "close", "4"]),
        ("success", "", None),
        ("skipped", "4", None),
        ("skipped", "", None),
    ],
)
def test_nightly_result_opens_updates_or_closes_its_issue(
    tmp_path, shell, result, open_issue, wanted
):
    """There is at most one open issue per title; gh finds its number by the title."""
    (tmp_path / "report.md").write_text("The report\n", "utf-8")
    *_, step = NIGHTLY["issue"]["steps"]
    text = {"TITLE": "The title", "ADVICE": "Do this.", "RUN": "https://github.test/run"}
    assert shell(step, listed=open_issue, RESULT=result, **text).returncode == 0
    calls = called(tmp_path)
    assert [words[: len(wanted)] for words, _ in calls] == ([wanted] if wanted else [])
    if "--body-file" in str(calls):
        assert calls[0][1] == "The report\n\nDo this.\n\nRun: https://github.test/run\n"


def test_issue_is_found_by_its_exact_title():
    """Another person's issue with a similar title is never overwritten."""
    *_, step = NIGHTLY["issue"]["steps"]
    assert "select(.title == env.TITLE).number" in step["run"]


def test_every_nightly_job_has_an_issue_and_its_own_result():
    issue = NIGHTLY["issue"]
    assert (
        {each["job"] for each in matrix(issue)} == set(issue["needs"]) == set(NIGHTLY) - {"issue"}
    )
    for each in matrix(issue):
        assert each["result"] == f"${{{{ needs.{each['job']}.result }}}}"
    for result in RESULTS:
        assert runs(issue, event("schedule", **dict.fromkeys(issue["needs"], result)))
    assert commands(NIGHTLY["newest"]) == ["lock", "test-all"]
    assert commands(NIGHTLY["provider"]) == ["lock", "terraform", "stack"]


def test_demo_runs_where_no_other_test_starts_a_local_cloud():
    """On macOS and Windows the deployed tests would take hours per pull request."""
    demo = NIGHTLY["demo"]
    assert demo["strategy"]["matrix"] == CI["elsewhere"]["strategy"]["matrix"]
    assert commands(demo) == ["demo", "down"]
    assert "locks" not in set_up(demo), "the first run on a new machine downloads everything"


# Data from job to job----------------------------------------------------------------------------


def test_deploy_job_applies_the_plan_of_the_plan_job():
    """The jobs pass the plan's hash and the bundles; the plan itself is in the bucket."""
    report, made = using(DEPLOY["plan"], UPLOAD)
    assert (made["path"], made["if-no-files-found"]) == (".workshop/bundles", "error")
    [fetched] = using(DEPLOY["deploy"], DOWNLOAD)
    assert fetched == {"name": made["name"], "path": made["path"]}
    assert using(DEPLOY["comment"], DOWNLOAD) == [{"name": report["name"]}]
    order = [step.get("run", step.get("uses", "")) for step in DEPLOY["deploy"]["steps"]]
    assert order.index("make apply") > next(i for i, text in enumerate(order) if DOWNLOAD in text)
    [plan] = [step for step in DEPLOY["plan"]["steps"] if step.get("run") == "make plan"]
    [apply] = [step for step in DEPLOY["deploy"]["steps"] if step.get("run") == "make apply"]
    assert DEPLOY["plan"]["outputs"] == {"plan": f"${{{{ steps.{plan['id']}.outputs.plan }}}}"}
    assert apply["env"]["APPROVED_PLAN"] == "${{ needs.plan.outputs.plan }}"


def test_plan_is_shared_on_main_only():
    [plan] = [step for step in DEPLOY["plan"]["steps"] if step.get("run") == "make plan"]
    assert plan["env"]["SHARE_PLAN"] == "${{ github.event_name == 'push' }}"
    uploads = [step["if"] for step in DEPLOY["plan"]["steps"] if UPLOAD in step.get("uses", "")]
    assert uploads == ["github.event_name == 'pull_request'", "github.event_name == 'push'"]


def test_no_artifact_of_a_public_repository_contains_the_state():
    """A plan or a state that an apply could not write would: anybody may download artifacts."""
    harmless = {".workshop/reports/*.xml", ".workshop/pipeline/report.md", ".workshop/bundles"}
    harmless |= {".workshop/clouds/default/*.log", ".workshop/reports/soak.*"}
    for job in OWN.values():
        for step in job["steps"]:
            if UPLOAD in step.get("uses", "") and not set(step["with"]["path"].split()) <= {
                *harmless,
                "requirements/*.lock",
            }:
                assert "errored.tfstate" in step["with"]["path"]
                assert step["if"] == "failure() && github.event.repository.private"


@pytest.mark.parametrize(
    ("maker", "reader"), [(DEPLOY["plan"], DEPLOY["comment"]), (NIGHTLY["drift"], NIGHTLY["issue"])]
)
def test_report_is_where_gh_reads_it(maker, reader):
    """GitHub extracts an artifact of one file into the working directory."""
    kept, [fetched] = using(maker, UPLOAD)[0], using(reader, DOWNLOAD)
    assert fetched == {"name": kept["name"]}
    assert kept["path"] == ".workshop/pipeline/report.md"
    assert "--body-file report.md" in reader["steps"][-1]["run"]


@pytest.mark.parametrize("key", OWN, ids="/".join)
def test_uploaded_files_are_found_and_their_names_differ(key):
    """Artifacts exclude hidden folders by default; names are unique in a run."""
    for kept in using(JOBS[key], UPLOAD):
        assert ".workshop/" not in kept["path"] or kept["include-hidden-files"] == "true"
        assert "strategy" not in JOBS[key] or "${{ matrix." in kept["name"]


def test_artifacts_of_one_run_have_different_names():
    """The run of main has the jobs of ci.yml and of deploy.yml."""
    jobs = [*CI.values(), *DEPLOY.values()]
    names = [kept["name"] for job in jobs if "steps" in job for kept in using(job, UPLOAD)]
    assert len(names) == len(set(names))


# Agreement with other files ---------------------------------------------------------------------


def test_ci_runs_every_part_of_the_tests():
    ran = {command for job in CI.values() for command in commands(job)}
    assert ran - {"setup"} == set(PARTS)


def test_tests_run_on_every_supported_python():
    """From the oldest supported version to the one after the functions' version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    first, last = (int(version.removeprefix("3.")) for version in (oldest, bundles.RUNTIME))
    unit = CI["unit"]
    assert unit["strategy"]["matrix"]["python"] == [f"3.{n}" for n in range(first, last + 2)]
    assert set_up(unit)["python"] == "${{ matrix.python }}"
    assert LOADED["setup"]["inputs"]["python"]["default"] == bundles.RUNTIME
    systems = CI["elsewhere"]["strategy"]["matrix"]["system"]
    assert systems == ["macos-latest", "windows-latest"]


def test_terraform_is_a_supported_version():
    """One version, new enough to lock the state. Only the nightly run uses the newest."""
    text = (ROOT / "terraform/versions.tf").read_text("utf-8")
    [(oldest, below)] = re.findall(r'required_version = ">= ([\d.]+), (< [\d.]+)"', text)
    version = tuple(map(int, LOADED["setup"]["inputs"]["terraform"]["default"].split(".")))
    assert version >= tuple(map(int, oldest.split(".")))
    assert version >= program.OLDEST_REMOTE
    assert version < tuple(map(int, below.removeprefix("< ").split(".")))
    others = {
        key: set_up(job)["terraform"] for key, job in OWN.items() if "terraform" in set_up(job)
    }
    assert {key[0] for key in others} == {"nightly"}
    assert [limit.replace("<", "< ") for limit in others.values()] == [f"{below}.0"]


CACHED = [
    (name, each.get("part"), each.get("locks", set_up(job).get("locks", "")))
    for name, job in CI.items()
    for each in matrix(job)
]


@pytest.mark.parametrize(("name", "part", "locks"), CACHED, ids=str)
def test_cache_is_keyed_by_the_locks_that_the_job_installs(name, part, locks):
    """The key has exactly the lock files of the environments that the commands need."""
    ran = [part] if part else commands(CI[name])
    wanted = {each.lock for command in ran for each in needs(command)}
    scanners = {SECURITY.lock} if "security" in ran else set()  # the command adds them
    assert set(locks.split()) == {f"requirements/{each}" for each in wanted | scanners}


def test_job_that_reaches_aws_uses_no_cache():
    """Code from a manipulated cache would have access to the credentials."""
    for key, job in OWN.items():
        assert key[0] == "ci" or "locks" not in set_up(job), key
    cached = [step for step in LOADED["setup"]["runs"]["steps"] if "cache" in step["uses"]]
    assert [step["if"] for step in cached] == ["inputs.locks != ''"]
