"""Deploying to an account of one's own: nothing without a clear yes."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from workshop.commands import account_options, deploy
from workshop.deployment.aws import account_stack, bootstrap_names, teardown_check
from workshop.deployment.error_messages import terraform_errors
from workshop.deployment.stack import Record
from workshop.deployment.target import Target
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Changes
from workshop.errors import UsageError, WorkshopError
from workshop.paths import TERRAFORM

LOCAL = "http://127.0.0.1:4999"


@pytest.mark.parametrize("typed", ["", "yes", "123456789013"])
def test_only_the_accounts_number_is_a_yes(monkeypatch, typed):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed)
    with pytest.raises(WorkshopError, match="Nothing was changed"):
        account_options.confirm("123456789012", yes=False)


def test_the_accounts_number_is_enough(monkeypatch):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "123456789012 ")
    account_options.confirm("123456789012", yes=False)


def deployment(state=None, record=None, *, remote=False, errored=None):
    """A deployment whose Terraform knows a state, and remembers what it was to plan."""
    made = object.__new__(account_stack.Deployment)
    made.target = Target("x", "eu-west-1", "1", None, own=False)
    made.prefix = "orderflow"
    made.planned = []
    made.unconfirmed = False
    made._backend = {"bucket": "b", "key": "k"} if remote else None
    made._record = record or Record("eu-west-1", "1", None, None)
    made._terraform = SimpleNamespace(
        plan=lambda _, variables, **__: made.planned.append(variables),
        pull_state=lambda: state or {},
        state="terraform.tfstate",
        errored_state=errored or Path("nowhere"),
    )
    return made


def state_of(address, *, alarms=True, pending=False):
    """Return a state with a subscription to the alarms, or without one."""
    attributes = {"protocol": "email", "endpoint": address, "pending_confirmation": pending}
    subscription = {"type": "aws_sns_topic_subscription", "instances": [{"attributes": attributes}]}
    queues = {"payment": {}} if alarms else {}
    return {
        "outputs": {"dead_letter_queue_urls": {"value": queues}},
        "resources": [subscription] if address else [],
    }


@pytest.mark.parametrize(
    ("state", "before", "given", "address"),
    [
        ({}, "", None, None),
        ({}, "", "a@b.c", "a@b.c"),
        (state_of("a@b.c"), "", None, "a@b.c"),
        (state_of("a@b.c"), "", "none", None),
        (state_of(""), "gone@b.c", None, None),  # another machine ended it
        (state_of("", alarms=False), "a@b.c", None, "a@b.c"),  # back at stage 4 there are no alarms
    ],
)
def test_alarm_address_is_kept_when_the_option_is_missing(
    monkeypatch, state, before, given, address
):
    """Deploying again without the option unsubscribes nobody, from whichever machine."""
    monkeypatch.setattr(account_stack.Deployment, "build", lambda _: None)
    record = Record("eu-west-1", "1", None, None, alarm_email=before)
    made = deployment(state, record)
    made.plan(5, given)
    assert made.planned[0]["alarm_email"] == address


@pytest.mark.parametrize(
    ("stage", "state", "said"),
    [
        (6, state_of("a@b.c", pending=True), True),
        (6, state_of("a@b.c"), False),
        (6, state_of(""), False),
        (4, state_of("a@b.c", pending=True), False),
    ],
)
def test_unconfirmed_address_is_reported_after_a_deployment_and_not_shown(
    monkeypatch, capsys, tmp_path, stage, state, said
):
    """SNS sends nothing else to it; and everybody reads the log of a public pipeline."""
    monkeypatch.setattr("workshop.deployment.target.CLOUDS", tmp_path)
    made = deployment(state, Record("eu-west-1", "1", None, None, stage=stage))
    outputs = dict.fromkeys(("api_endpoint", "event_bus_name", "region"), "")
    outputs |= {"function_names": {}, "table_names": {}, "dead_letter_queue_urls": {}}
    made._terraform.apply_plan = lambda _: SimpleNamespace(outputs=outputs)
    deploy._deployed(made, made.apply())
    shown = capsys.readouterr()
    assert ("No alarm arrives" in shown.err) is said
    assert "a@b.c" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("remote", "boundary"),
    [(True, "arn:aws:iam::1:policy/bootstrap/boundary-orderflow"), (False, None)],
)
def test_in_a_bootstrapped_account_every_role_has_the_boundary(monkeypatch, remote, boundary):
    monkeypatch.setattr(account_stack.Deployment, "build", lambda _: None)
    made = deployment(remote=remote)
    made.plan(1, None)
    assert made.planned[0].get("permissions_boundary") == boundary


OUTPUTS = {"live_alias": None, "dead_letter_queue_urls": {}, "function_names": {}}


@pytest.mark.parametrize(
    ("outputs", "stage"),
    [
        ({"function_names": {"order-api": "", "order-tracker": ""}}, 1),
        ({"function_names": {"order-tracker": "", "payment": "", "payment-refund": ""}}, 2),
        ({"function_names": {"order-tracker": "", "payment": "", "inventory": ""}}, 3),
        ({"function_names": {"order-tracker": "", "inventory": "", "shipping": ""}}, 4),
        ({"dead_letter_queue_urls": {"payment": {}}}, 5),
        ({"dead_letter_queue_urls": {"payment": {}}, "live_alias": "live"}, 6),
    ],
)
def test_deployed_stage_is_read_from_the_outputs(outputs, stage):
    """Another machine has only the state, and no record of the stage."""
    assert account_stack.deployed_stage(OUTPUTS | outputs) == stage


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        ("", "is no prefix"),
        ("../x", "is no prefix"),
        ("A", "is no prefix"),
        ("a-", "is no prefix"),
        ("a" * 21, "is no prefix"),
        ("github", "not for a stack"),
        ("github-x", "not for a stack"),
        ("tfstate", "not for a stack"),
    ],
)
def test_a_prefix_that_starts_no_stacks_names_is_refused(prefix, why):
    """It becomes a folder's name, and must never be that of what `make bootstrap` makes."""
    with pytest.raises(UsageError, match=why):
        account_stack.check_prefix(prefix)


def test_terraform_and_the_commands_accept_the_same_prefixes():
    text = (TERRAFORM / "variables.tf").read_text("utf-8")
    assert f'regex("^{account_stack.PREFIX.pattern}$", var.name_prefix)' in text


def test_names_that_a_bootstrap_gives_are_reserved():
    """A stack whose names began as these do could take the pipeline's roles for its own."""
    for name in vars(bootstrap_names.names("p", "1", "r")).values():
        assert name.rpartition("/")[2].partition("-")[0] in account_stack.RESERVED


LOCK = """Error acquiring the state lock
│ Lock Info:
│   ID:        b0b2
│   Path:      bucket/orderflow/terraform.tfstate
│   Operation: OperationTypeApply
│   Who:       ann@laptop
│   Version:   1.11.4
│   Created:   2026-11-22 20:00:00 +0000 UTC
"""


@pytest.mark.parametrize(
    ("error", "remote", "message"),
    [
        (LOCK, True, r"s3://b/k is locked by ann@laptop since 2026-11-22 20:00:00 .*k\.tflock$"),
        (LOCK, False, r"on this machine is locked by ann@laptop since .*has ended\.$"),
        ("✗ Saved plan is stale\n The given plan", True, r"The plan is stale: .*make plan$"),
        ("api error ExpiredToken: The security", True, r"credentials have expired.*again"),
        ("The security token included in the request is expired", True, r"have expired"),
        (
            "Error: No valid credential sources found",
            True,
            "Terraform finds no .*export-credentials",
        ),
        ("ValidationException: EventBus can't be deleted since it has rules.", True, "list-rules"),
        (
            "EntityAlreadyExists: Role with name x",
            True,
            r"beginning with orderflow- are taken.*--prefix$",
        ),
    ],
)
def test_terraform_error_is_explained_in_one_sentence(error, remote, message):
    with (
        pytest.raises(WorkshopError, match=f"(?s){message}"),
        terraform_errors(deployment(remote=remote)),
    ):
        raise TerraformError(error)


def test_unknown_terraform_error_is_not_changed():
    with pytest.raises(TerraformError, match=r"^Invalid"), terraform_errors(deployment()):
        raise TerraformError("Invalid argument")


def test_a_state_that_could_not_be_written_is_named(tmp_path):
    """The credentials expired in the middle: the newest state is a file here, and nowhere else."""
    (tmp_path / "errored.tfstate").write_text("{}")
    made = deployment(remote=True, errored=tmp_path / "errored.tfstate")
    for cause, message in [
        ("ExpiredToken", "have expired"),
        ("x\n  ✗ gone", "to s3://b/k:\n  ✗ gone"),
    ]:
        with (
            pytest.raises(WorkshopError, match=rf"(?s){message}.*errored\.tfstate"),
            terraform_errors(made),
        ):
            raise TerraformError(cause)


def test_ctrl_c_during_a_change_names_the_command_that_continues(capsys):
    for changing in (True, False):
        with pytest.raises(KeyboardInterrupt), terraform_errors(deployment(), changing=changing):
            raise KeyboardInterrupt
        message = capsys.readouterr().err
        assert ("the same command goes on from there" in message) is changing


def test_rehearsed_state_is_deleted_when_the_local_cloud_restarts(monkeypatch, tmp_path):
    """A restarted local cloud is empty: the state of an earlier start describes nothing in it."""
    boots = iter(["one", "one", "two"])
    monkeypatch.setattr(
        account_stack,
        "Control",
        lambda _: SimpleNamespace(status=lambda: SimpleNamespace(boot_id=next(boots))),
    )
    target = SimpleNamespace(endpoint_url=LOCAL, directory=tmp_path / "aws")
    (tmp_path / "aws" / "bootstrap").mkdir(parents=True)
    kept = [tmp_path / "aws" / each / "terraform.tfstate" for each in ("", "bootstrap")]
    account_stack._discard_old_rehearsal(target)
    for each in kept:
        each.write_text("{}")
    account_stack._discard_old_rehearsal(target)
    assert all(each.exists() for each in kept)
    account_stack._discard_old_rehearsal(target)
    assert not any(each.exists() for each in kept)


class FakeDeployment:
    """A deployment that plans nothing in particular."""

    remote = False
    where = "here"

    def __init__(self, target, *_):
        self.target = target
        self.prefix = "orderflow"
        self.terraform = SimpleNamespace(show_plan=dict)

    def plan(self, *_, **__):
        return Changes()

    def plan_destruction(self):
        return Changes(destroyed=1)


@pytest.fixture
def fake_account(monkeypatch):
    target = Target("x", "eu-west-1", "1", None, own=False)
    monkeypatch.setattr(account_stack, "target", lambda _: target)
    monkeypatch.setattr(account_stack, "locked", lambda _: contextlib.nullcontext(0))
    monkeypatch.setattr(deploy, "Deployment", FakeDeployment)


@pytest.mark.usefixtures("fake_account")
@pytest.mark.parametrize(("stage", "shown"), [(4, False), (5, True)])
def test_deploy_shows_the_cost_of_alarms_from_stage_5(monkeypatch, capsys, stage, shown):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    with pytest.raises(WorkshopError, match="Nothing was changed"):
        deploy.deploy(stage)
    assert ("for the alarms" in capsys.readouterr().out) is shown


@pytest.mark.usefixtures("fake_account")
def test_command_shows_account_region_names_and_state_before_it_asks(monkeypatch, capsys):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    for command in (deploy.deploy, deploy.destroy):
        with pytest.raises(WorkshopError, match="Nothing was changed"):
            command(confirm=None) if command is deploy.destroy else command()
        said = capsys.readouterr().out
        assert "Account 1, region eu-west-1" in said
        assert "orderflow-*" in said
        assert "State: here" in said


@pytest.mark.parametrize("confirm", ["", "order", "orderflow-dev"])
def test_the_pipeline_destroys_only_what_it_names(confirm):
    with pytest.raises(UsageError, match="is not the prefix 'orderflow': nothing was changed"):
        deploy.destroy("orderflow", confirm)


@pytest.mark.parametrize("whole", [True, False])
def test_what_could_not_be_searched_is_no_proof_for_the_pipeline(monkeypatch, capsys, whole):
    """A person can look there; nobody watches the pipeline."""
    left = teardown_check.Leftovers(not_searched=["budgets: AccessDenied"])
    monkeypatch.setattr(teardown_check, "search", lambda *_: left)
    expected = (
        pytest.raises(WorkshopError, match="not proven") if whole else contextlib.nullcontext()
    )
    with expected:
        deploy._prove(None, "orderflow", whole=whole)
    assert whole or "budgets: AccessDenied" in capsys.readouterr().err


def _plan(*actions):
    changes = [
        {
            "address": f"aws_sqs_queue.q{number}",
            "type": "aws_sqs_queue",
            "name": f"q{number}",
            "change": {"actions": [action]},
        }
        for number, action in enumerate(actions)
    ]
    return {"resource_changes": changes}


@pytest.mark.parametrize(
    ("actions", "shown"),
    [
        (["update", "update"], ["change: sqs_queue.q0", "change: sqs_queue.q1"]),
        (["create"] * 20 + ["delete"], ["destroy: sqs_queue.q20"]),
        ([], []),
    ],
)
def test_few_changes_are_listed_and_of_many_only_losses(capsys, actions, shown):
    changes = Changes(actions.count("create"), actions.count("update"), actions.count("delete"))
    deploy._report_changes(changes, _plan(*actions))
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[1:]] == shown


def test_error_names_the_prefix_when_the_stack_is_missing(monkeypatch):
    monkeypatch.setattr(account_stack, "target", lambda _: Target("x", "r", "1", None, own=False))
    monkeypatch.setattr(account_stack, "locked", lambda _: contextlib.nullcontext(0))
    nothing = deployment()
    monkeypatch.setattr(account_stack, "Deployment", lambda *_: nothing)
    with pytest.raises(WorkshopError, match=r"No stack with names orderflow-\* is known"):
        account_stack.deployed_stack().__enter__()


def test_the_state_in_the_bucket_outranks_what_this_machine_remembers(monkeypatch, tmp_path):
    """Somebody else may have deployed since."""
    outputs = {
        "api_endpoint": "new",
        "event_bus_name": "",
        "region": "r",
        "function_names": {},
        "table_names": {},
        "dead_letter_queue_urls": {"payment": {}},
    }
    record = Record("r", "1", None, None, stage=1, outputs={"api_endpoint": "old"})
    made = deployment(record=record, remote=True)
    made._terraform.outputs = lambda: outputs
    monkeypatch.setattr("workshop.deployment.target.CLOUDS", tmp_path)
    found = made.stack()
    assert (found.stage, found.outputs.api_endpoint) == (5, "new")
    assert Record.load(tmp_path / "x").outputs == outputs
