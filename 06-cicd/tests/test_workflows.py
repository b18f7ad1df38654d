"""The workflows: thin, pinned, with the least rights; nothing untested or unapproved is deployed.

GitHub cannot run here, so all logic is in make's verbs, which do; what remains in the YAML is
held to its promises by reading it. Scalars are read as text, as they stand there.
"""

import ast
import re
import tomllib

import pytest
import typer
import yaml

from devtools import cli as maintainers
from devtools.commands.quality import PARTS
from devtools.launcher import NEEDS as MAINTAINERS_NEEDS
from workshop import cli
from workshop.deployment import bundles
from workshop.deployment.terraform import runner
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
HERE = {key: job for key, job in JOBS.items() if "steps" in job}
"""The jobs that have steps of their own, rather than another workflow's jobs."""
STEPS = [(key, step) for key, job in HERE.items() for step in job["steps"]]
STEP_NAMES = [f"{flow}/{job}: {step['name']}" for (flow, job), step in STEPS]

LINE = re.compile(r"(make|python -m workshop|python -m devtools) ([a-z-]+)(?: ARGS=(--[a-z]+))?")
"""All that a `run:` may be."""
MAKE_VERBS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
LEARNERS = typer.main.get_command(cli.app).commands
VERBS = LEARNERS | typer.main.get_command(maintainers.app).commands
BECOME, UPLOAD, DOWNLOAD, CHECKOUT = (
    "aws-actions/configure-aws-credentials",
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/checkout",
)


def verbs(job):
    """The verbs of a job, in order."""
    return [LINE.fullmatch(step["run"])[2] for step in job["steps"] if "run" in step]


def needs(verb):
    """The environments that a command needs."""
    if verb in LEARNERS:
        return LEARNERS_NEEDS.get(verb, (WORKSHOP,))
    return MAINTAINERS_NEEDS.get(verb, (DEV,))


def using(job, action):
    """What a job's steps pass to an action."""
    uses = [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]
    return [step.get("with", {}) for step in uses]


def set_up(job):
    """What a job passes to the setup; a job sets up once."""
    [step] = [step for step in job["steps"] if step.get("uses") == "$/.github/actions/setup"]
    return step.get("with", {})


def calling(*wanted):
    """The jobs that call any of these verbs."""
    return {key for key, job in HERE.items() if set(verbs(job)) & set(wanted)}


def test_there_are_the_four_workflows():
    assert set(WORKFLOWS) == {"ci", "deploy", "destroy", "nightly"}


@pytest.mark.parametrize(("key", "step"), STEPS, ids=STEP_NAMES)
def test_a_line_is_one_verb_that_exists(key, step):
    """Every `run:` is `make VERB`, or `python -m workshop VERB` where there may be no make."""
    if "run" not in step:
        assert "uses" in step
        return
    line = LINE.fullmatch(step["run"])
    assert line, f"more than one verb: {step['run']}"
    how, verb, option = line.groups()
    assert verb in VERBS
    assert verb in MAKE_VERBS
    assert "shell" not in step
    program = "workshop" if verb in LEARNERS else "devtools"
    assert how == ("make" if JOBS[key]["runs-on"] == "ubuntu-latest" else f"python -m {program}")
    options = {name for each in VERBS[verb].params for name in each.opts}
    assert option is None or option in options


@pytest.mark.parametrize(("key", "step"), STEPS, ids=STEP_NAMES)
def test_a_variable_that_is_passed_is_one_that_is_read(key, step):
    """By the verb it is passed to: a misspelt name would be nobody's, and nobody would say so."""
    for name in step.get("env", {}):
        options = VERBS[LINE.fullmatch(step["run"])[2]].params
        assert name == "GH_TOKEN" or name in {option.envvar for option in options}, name


def test_what_is_typed_to_destroy_reaches_the_verb_alone():
    """As a variable that the verb compares with the prefix: no shell ever reads it."""
    [line] = [step for step in JOBS["destroy", "destroy"]["steps"] if "run" in step]
    assert line["env"]["CONFIRM_DESTROY"] == "${{ inputs.confirm }}"
    assert TEXTS["destroy"].count("inputs.") == 1
    assert list(WORKFLOWS["destroy"]["on"]) == ["workflow_dispatch"], "by hand only"


RUNNERS = {"run", "invoke"}
"""What tests call a verb with: `run("plan", …)`, `invoke(app, ["plan", …])`."""


def called_by_tests():
    """The verbs that some test runs, by name or as a whole job's: `job("deploy", "plan")`."""
    paths = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("0?-*/tests/**/*.py")]
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in RUNNERS:
                found.add(_first_word(node))
            elif name == "job" and all(isinstance(each, ast.Constant) for each in node.args):
                found.update(verbs(HERE[tuple(each.value for each in node.args)]))
    return found


def _first_word(call):
    texts = [
        item.value
        for argument in call.args
        for item in (argument.elts if isinstance(argument, ast.List) else [argument])
        if isinstance(item, ast.Constant)
    ]
    return next(iter(texts), None)


def test_each_verb_that_the_pipeline_uses_runs_here():
    """It is a part of `make test`, `make test` itself, or called by a test."""
    used = {verb for job in HERE.values() for verb in verbs(job)}
    assert used - set(PARTS) - {"test"} <= called_by_tests()


def test_no_line_holds_an_expression():
    """What GitHub would paste into a shell's line could be anybody's text; `env` is safe."""
    assert not [step["run"] for _, step in STEPS if "${{" in step.get("run", "")]


@pytest.mark.parametrize("name", TEXTS)
def test_actions_are_pinned_by_commit(name):
    """A tag can be moved to other code, a commit cannot; the version stands beside it."""
    lines = re.findall(r"\buses: *(.*)$", TEXTS[name], re.MULTILINE)
    assert lines
    for line in lines:
        local = re.fullmatch(r"\$/(\.github/[\w./-]+)", line)
        if local:
            assert (ROOT / local[1]).exists()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_one_pin():
    """And those who keep it fresh look at every folder that has any."""
    pins = set(re.findall(r"uses: *([\w-]+/[\w-]+)@(.*)$", "\n".join(TEXTS.values()), re.MULTILINE))
    assert len(pins) == len({action for action, _ in pins})
    bot = yaml.safe_load((FOLDER / "dependabot.yml").read_text("utf-8"))
    [actions] = [each for each in bot["updates"] if each["package-ecosystem"] == "github-actions"]
    local = {f"/{path.parent.relative_to(ROOT).as_posix()}" for path in FOLDER.glob("actions/*/*")}
    assert set(actions["directories"]) == {"/", *local}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_rights(name):
    """Rights are each job's own; `pull_request_target` would give a fork's code this one's."""
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in TEXTS[name]
    assert "workflow_run" not in TEXTS[name]
    assert "secrets." not in TEXTS[name], "there are no stored keys"


@pytest.mark.parametrize("key", JOBS, ids="/".join)
def test_a_job_has_the_least_rights_and_an_end(key):
    """Beside reading the code: a token for AWS where a role is taken, writing where one writes."""
    job = JOBS[key]
    rights = {"contents": "read"}
    if key in HERE:
        assert 0 < int(job["timeout-minutes"]) <= 60
        rights |= {"id-token": "write"} if using(job, BECOME) else {}
        rights |= {"pull-requests": "write"} if "plan-comment" in verbs(job) else {}
        rights |= {"issues": "write"} if {"drift-issue", "nightly-issue"} & set(verbs(job)) else {}
        [checkout] = using(job, CHECKOUT)
        assert checkout == {"persist-credentials": "false"}
    assert job["permissions"] == rights


def test_who_writes_on_github_has_no_credentials_for_aws():
    """Nor does who has them write there: either token alone is worth little."""
    for key, job in HERE.items():
        tokens = [step for step in job["steps"] if "GH_TOKEN" in step.get("env", {})]
        assert not (tokens and using(job, BECOME)), key


@pytest.mark.parametrize("key", [key for key in HERE if using(HERE[key], BECOME)], ids="/".join)
def test_roles_are_the_repositorys_variables(key):
    """The deploy role for what changes AWS, after somebody's approval; else the plan role."""
    job = JOBS[key]
    changes = key in calling("apply", "release", "destroy")
    role = "vars.AWS_DEPLOY_ROLE_ARN" if changes else "vars.AWS_PLAN_ROLE_ARN"
    passed = {"role-to-assume": f"${{{{ {role} }}}}", "aws-region": "${{ vars.AWS_REGION }}"}
    assert using(job, BECOME) == [passed]
    assert job.get("environment") == ("production" if changes else None)
    for step in job["steps"]:
        if "run" in step:
            assert step["env"]["NAME_PREFIX"] == "${{ vars.NAME_PREFIX }}"


def test_only_what_changes_aws_waits_for_approval():
    """The environment's name is in the token, so no other job may have it."""
    assert {key for key, job in JOBS.items() if "environment" in job} == calling("apply", "destroy")


# Who runs when ---------------------------------------------------------------------------------


def runs(job, context, *, cancelled=False):
    """Whether GitHub would run a job: its `if` in Python, on what an event holds.

    Without a status function GitHub adds `success()`: all that the job needs succeeded.
    """
    condition = job.get("if", "true").removeprefix("${{").removesuffix("}}").strip()
    needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
    succeeded = all(context["needs"][name]["result"] == "success" for name in needs)
    states = {"cancelled": cancelled, "always": True, "success": succeeded}

    def python(found):
        text = found[0]
        if text.startswith("'"):
            return text
        if text.endswith("()"):
            return str(states[text[:-2]])
        if "." in text:
            return repr(looked_up(text, context))
        words = {"&&": " and ", "||": " or ", "!": " not ", "!=": "!=", "true": "True"}
        return words[text]

    tokens = r"'[^']*'|[a-z]+\(\)|[a-z_]+(?:\.[\w-]+)+|true|&&|\|\||!=|!"
    said = eval(re.sub(tokens, python, condition), {})  # noqa: S307 - our own files' text
    return bool(said) and (succeeded or any(f"{state}()" in condition for state in states))


def looked_up(path, context):
    """A context's value; what is not there is empty."""
    value = context
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    return value


def event(name, *, head="us/workshop", ref="refs/heads/main", **needs):
    pull = {"pull_request": {"head": {"repo": {"full_name": head}}}}
    return {
        "github": {
            "event_name": name,
            "ref": ref,
            "repository": "us/workshop",
            "event": pull if name == "pull_request" else {},
        },
        "vars": {"AWS_PLAN_ROLE_ARN": "arn:plan", "AWS_DEPLOY_ROLE_ARN": "arn:deploy"},
        "needs": {job: {"result": result} for job, result in needs.items()},
    }


DEPLOY = WORKFLOWS["deploy"]["jobs"]


def test_main_is_tested_planned_and_deployed():
    """In this order, in one run: nothing is planned that failed, nothing applied without a plan."""
    assert DEPLOY["ci"]["uses"] == "$/.github/workflows/ci.yml"
    assert (DEPLOY["plan"]["needs"], DEPLOY["deploy"]["needs"]) == ("ci", "plan")
    assert runs(DEPLOY["ci"], event("push"))
    for result in ("success", "failure", "cancelled", "skipped"):
        tested = result == "success"
        assert runs(DEPLOY["plan"], event("push", ci=result)) == tested
        assert runs(DEPLOY["deploy"], event("push", plan=result)) == tested
        assert not runs(DEPLOY["comment"], event("push", plan=result))
    assert verbs(DEPLOY["deploy"]) == ["apply", "release"]
    assert WORKFLOWS["deploy"]["on"]["push"] == {"branches": ["main"]}


def test_a_pull_request_is_planned_and_told_never_deployed():
    pull = "pull_request"
    assert not runs(DEPLOY["ci"], event(pull)), "ci.yml tests it by itself"
    assert runs(DEPLOY["plan"], event(pull, ci="skipped"))
    for result in ("success", "failure", "cancelled", "skipped"):
        assert runs(DEPLOY["comment"], event(pull, plan=result)) == (result == "success")
        assert not runs(DEPLOY["deploy"], event(pull, plan=result))


def test_a_forks_pull_request_gets_no_token():
    """Not even the plan role's: anybody may open one."""
    stranger = event("pull_request", head="them/workshop", ci="skipped")
    assert not runs(DEPLOY["plan"], stranger)


def test_what_is_cancelled_goes_no_further():
    for name, needs in {"plan": {"ci": "success"}, "deploy": {"plan": "success"}}.items():
        assert not runs(DEPLOY[name], event("push", **needs), cancelled=True)


@pytest.mark.parametrize(
    ("flow", "name", "trigger", "roles"),
    [
        ("deploy", "plan", "push", {"AWS_PLAN_ROLE_ARN", "AWS_DEPLOY_ROLE_ARN"}),
        ("deploy", "plan", "pull_request", {"AWS_PLAN_ROLE_ARN", "AWS_DEPLOY_ROLE_ARN"}),
        ("destroy", "destroy", "workflow_dispatch", {"AWS_DEPLOY_ROLE_ARN"}),
        ("nightly", "drift", "schedule", {"AWS_PLAN_ROLE_ARN"}),
    ],
)
def test_without_its_variables_a_fresh_fork_is_not_red(flow, name, trigger, roles):
    """What needs an account is skipped, and what needs that in turn (the tests above)."""
    job, known = WORKFLOWS[flow]["jobs"][name], event(trigger, ci="success")
    assert runs(job, known)
    for role in roles:
        assert not runs(job, known | {"vars": known["vars"] | {role: ""}})
    assert not runs(job, known | {"vars": {}})


def test_a_role_is_taken_on_main_only():
    """But for a pull request's plan: GitHub offers `workflow_dispatch` on every branch."""
    branch = "refs/heads/other"
    for key in (("destroy", "destroy"), ("nightly", "drift")):
        assert not runs(JOBS[key], event("workflow_dispatch", ref=branch))


def test_the_night_tells_how_it_ended():
    """An issue is opened when something failed, and closed when all is well again."""
    nightly = WORKFLOWS["nightly"]["jobs"]
    for result in ("success", "failure"):
        assert runs(nightly["drift-issue"], event("schedule", drift=result))
        assert runs(nightly["newest-issue"], event("schedule", newest=result))
    assert not runs(nightly["drift-issue"], event("schedule", drift="skipped"))
    assert verbs(nightly["newest"]) == ["lock", "test"]


def test_the_gate_waits_for_every_job_and_runs_always():
    """A gate that is skipped would pass for green."""
    jobs = WORKFLOWS["ci"]["jobs"]
    gate = jobs["all-green"]
    assert set(gate["needs"]) == set(jobs) - {"all-green"}
    assert gate["env"] == {"NEEDS": "${{ toJSON(needs) }}"}
    assert verbs(gate) == ["gate"]
    failed = dict.fromkeys(gate["needs"], "failure")
    assert runs(gate, event("push", **failed), cancelled=True)
    others = [job for name, job in jobs.items() if name != "all-green"]
    assert not [job for job in others if "if" in job or "continue-on-error" in str(job)]


def test_deploy_and_destroy_never_meet_and_are_never_cut_off():
    """One group for both; within it what has begun ends. Older tests of a branch are cut off."""
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


# What is passed on --------------------------------------------------------------------------------


def test_what_was_planned_is_what_is_applied():
    """Plan and bundles, whole, travel from the job that made them to the job that uses them."""
    told, kept = using(DEPLOY["plan"], UPLOAD)
    assert kept["path"].split() == [".workshop/pipeline", ".workshop/bundles"]
    assert kept["if-no-files-found"] == "error"
    [fetched] = using(DEPLOY["deploy"], DOWNLOAD)
    assert fetched == {"name": kept["name"], "path": ".workshop"}  # what both paths share
    [fetched] = using(DEPLOY["comment"], DOWNLOAD)
    assert told["name"] == fetched["name"]
    assert told["path"] == f"{fetched['path']}/report.md"
    order = [step.get("run", step.get("uses", "")) for step in DEPLOY["deploy"]["steps"]]
    assert order.index("make apply") > next(i for i, text in enumerate(order) if DOWNLOAD in text)


def test_a_pull_request_keeps_no_plan():
    """A plan holds the state: names, settings, the address that is told of alarms."""
    conditions = [step["if"] for step in DEPLOY["plan"]["steps"] if UPLOAD in step.get("uses", "")]
    assert conditions == ["github.event_name == 'pull_request'", "github.event_name == 'push'"]


def test_a_drifts_report_is_passed_on():
    drift, issue = (WORKFLOWS["nightly"]["jobs"][name] for name in ("drift", "drift-issue"))
    [kept], [fetched] = using(drift, UPLOAD), using(issue, DOWNLOAD)
    assert kept["name"] == fetched["name"]
    assert kept["path"] == f"{fetched['path']}/report.md"


@pytest.mark.parametrize("key", HERE, ids="/".join)
def test_what_is_kept_is_found(key):
    """Artefacts leave out hidden folders unless told so; and a run has one of each name."""
    for kept in using(JOBS[key], UPLOAD):
        assert ".workshop/" not in kept["path"] or kept["include-hidden-files"] == "true"
        assert "strategy" not in JOBS[key] or "${{ matrix." in kept["name"]


def test_a_runs_artefacts_have_names_of_their_own():
    """Main's run holds the jobs of ci.yml and deploy.yml both."""
    jobs = [*WORKFLOWS["ci"]["jobs"].values(), *DEPLOY.values()]
    names = [kept["name"] for job in jobs if "steps" in job for kept in using(job, UPLOAD)]
    assert len(names) == len(set(names))


# What stands elsewhere, too -----------------------------------------------------------------------


def test_ci_runs_every_part_of_the_tests():
    """What ci.yml runs, `make ci` runs: every part; beside them only set-up and the gate."""
    ran = {verb for (flow, _), job in HERE.items() if flow == "ci" for verb in verbs(job)}
    assert ran - {"setup", "gate"} == set(PARTS)


def test_tests_run_on_every_supported_python():
    """From the oldest that the project takes to the one that the functions run on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    first, last = (int(version.removeprefix("3.")) for version in (oldest, bundles.RUNTIME))
    unit = WORKFLOWS["ci"]["jobs"]["unit"]
    assert unit["strategy"]["matrix"]["python"] == [f"3.{n}" for n in range(first, last + 1)]
    assert set_up(unit)["python"] == "${{ matrix.python }}"
    assert LOADED["setup"]["inputs"]["python"]["default"] == bundles.RUNTIME
    systems = WORKFLOWS["ci"]["jobs"]["elsewhere"]["strategy"]["matrix"]["system"]
    assert systems == ["macos-latest", "windows-latest"]


def test_terraform_is_one_that_the_project_takes():
    """Everywhere the same, new enough to lock the state; only the night tries the newest."""
    text = (ROOT / "terraform/versions.tf").read_text("utf-8")
    [(oldest, below)] = re.findall(r'required_version = ">= ([\d.]+), (< [\d.]+)"', text)
    version = tuple(map(int, LOADED["setup"]["inputs"]["terraform"]["default"].split(".")))
    assert version >= tuple(map(int, oldest.split(".")))
    assert version >= runner.OLDEST_REMOTE
    assert version < tuple(map(int, below.removeprefix("< ").split(".")))
    others = {
        key: set_up(job)["terraform"] for key, job in HERE.items() if "terraform" in set_up(job)
    }
    assert {key[0] for key in others} == {"nightly"}
    assert [limit.replace("<", "< ") for limit in others.values()] == [f"{below}.0"]


@pytest.mark.parametrize("name", WORKFLOWS["ci"]["jobs"])
def test_a_cache_is_keyed_by_what_the_job_installs(name):
    """By the lock files of just those environments that its verbs need, so that none is missing."""
    job = WORKFLOWS["ci"]["jobs"][name]
    needed = {each.lock for verb in verbs(job) for each in needs(verb)}
    scanners = {SECURITY.lock} if "security" in verbs(job) else set()  # the command adds them
    locks = {f"requirements/{each}" for each in needed | scanners}
    assert set(set_up(job)["locks"].split()) == locks


def test_what_reaches_aws_takes_nothing_from_a_cache():
    """Whoever can write into a cache would be running beside the credentials."""
    for key, job in HERE.items():
        assert key[0] == "ci" or "locks" not in set_up(job), key
    cached = [step for step in LOADED["setup"]["runs"]["steps"] if "cache" in step["uses"]]
    assert [step["if"] for step in cached] == ["inputs.locks != ''"]
