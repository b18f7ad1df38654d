"""Deploying to an account of one's own: nothing without a clear yes."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import typer
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from workshop.commands import account_options, deploy
from workshop.deployment.aws import account_stack, bootstrap_names, teardown_check
from workshop.deployment.error_messages import explained
from workshop.deployment.stack import Record
from workshop.deployment.target import LOCAL_CREDENTIALS, Target
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Changes
from workshop.errors import UsageError, WorkshopError
from workshop.paths import TERRAFORM

LOCAL = "http://127.0.0.1:4999"


class FakeSession:
    """A session as far as ``account.target`` needs it."""

    fails = None

    def __init__(self, region_name=None):
        self.region_name = region_name

    def client(self, *_, **__):
        return self

    def get_caller_identity(self):
        if self.fails:
            raise self.fails
        return {"Account": "123456789012"}


@pytest.fixture
def session(monkeypatch):
    for name in ("AWS_REGION", "AWS_ENDPOINT_URL", *LOCAL_CREDENTIALS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "Session", FakeSession)
    monkeypatch.setattr(FakeSession, "fails", None)
    return FakeSession


def test_the_region_is_the_one_terraform_takes(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    target = account_stack.target("orderflow")
    assert (target.name, target.region) == ("aws-123456789012-eu-west-1", "eu-west-1")
    assert target.session().region_name == "eu-west-1"


def test_local_clouds_are_told_apart_by_their_ports(session, monkeypatch):
    """The account's number is the same for all of them, and what one holds is not the other's."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    assert account_stack.target("orderflow").name == "aws-123456789012-us-east-1-4999"


def test_without_credentials_the_way_to_them_is_named(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"`aws configure`.*AWS_PROFILE"):
        account_stack.target("orderflow")


def test_credentials_of_the_local_cloud_are_taken_back(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"local cloud's.*--unset"):
        account_stack.target("orderflow")


def test_a_local_cloud_that_is_gone_is_told(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    session.fails = EndpointConnectionError(endpoint_url=LOCAL)
    with pytest.raises(WorkshopError, match=r"a local cloud that is not running .*--unset"):
        account_stack.target("orderflow")


@pytest.mark.parametrize(
    ("endpoint", "first"),
    [(LOCAL, f"This is the local cloud at {LOCAL}, not AWS."), (None, "")],
)
def test_a_local_cloud_is_never_taken_for_aws(monkeypatch, capsys, endpoint, first):
    target = Target("x", "us-east-1", "1", endpoint, own=False)
    monkeypatch.setattr(account_stack, "target", lambda _: target)
    assert account_options.target("orderflow") is target
    assert capsys.readouterr().err.startswith(first)


def test_an_endpoint_elsewhere_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    with pytest.raises(UsageError, match=r"leads to https://elsewhere\.example"):
        account_stack.target("orderflow")


def test_without_a_region_nothing_is_asked_of_aws(monkeypatch, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="No AWS region is set"):
        account_stack.target("orderflow")


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
    made._backend = {"bucket": "b", "key": "k"} if remote else None
    made._record = record or Record("eu-west-1", "1", None, None)
    made._terraform = SimpleNamespace(
        plan=lambda _, variables, **__: made.planned.append(variables),
        pull_state=lambda: state or {},
        state="terraform.tfstate",
        errored_state=errored or Path("nowhere"),
    )
    return made


def state_of(address, *, alarms=True):
    """A state in which somebody is told of alarms, or nobody."""
    attributes = {"protocol": "email", "endpoint": address}
    subscription = {"type": "aws_sns_topic_subscription", "instances": [{"attributes": attributes}]}
    queues = {"payment": {}} if alarms else {}
    return {
        "outputs": {"dead_letter_queue_urls": {"value": queues}},
        "resources": [subscription] if address else [],
    }


@pytest.mark.parametrize(
    ("state", "before", "given", "told"),
    [
        ({}, "", None, None),
        ({}, "", "a@b.c", "a@b.c"),
        (state_of("a@b.c"), "", None, "a@b.c"),
        (state_of("a@b.c"), "", "none", None),
        (state_of(""), "gone@b.c", None, None),  # another machine ended it
        (state_of("", alarms=False), "a@b.c", None, "a@b.c"),  # back at stage 4 there are no alarms
    ],
)
def test_who_is_told_of_alarms_is_remembered(monkeypatch, state, before, given, told):
    """Deploying again without the option unsubscribes nobody, from whichever machine."""
    monkeypatch.setattr(account_stack.Deployment, "build", lambda _: None)
    record = Record("eu-west-1", "1", None, None, alarm_email=before)
    made = deployment(state, record)
    made.plan(5, given)
    assert made.planned[0]["alarm_email"] == told


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
def test_how_far_a_stack_is_built_is_told_by_what_it_has(outputs, stage):
    """Another machine has only the state, and no record of the stage."""
    assert account_stack.stage_of(OUTPUTS | outputs) == stage


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


def test_terraform_and_the_verbs_agree_on_prefixes():
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
    ("error", "remote", "told"),
    [
        (LOCK, True, r"s3://b/k is locked by ann@laptop since 2026-11-22 20:00:00 .*k\.tflock$"),
        (LOCK, False, r"on this machine is locked by ann@laptop since .*has ended\.$"),
        ("✗ Saved plan is stale\n The given plan", True, r"The plan is stale: .*make plan$"),
        ("api error ExpiredToken: The security", True, r"credentials have expired.*again"),
        ("The security token included in the request is expired", True, r"have expired"),
        (
            "EntityAlreadyExists: Role with name x",
            True,
            r"beginning with orderflow- are taken.*--prefix$",
        ),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(error, remote, told):
    with (
        pytest.raises(WorkshopError, match=f"(?s){told}"),
        explained(deployment(remote=remote)),
    ):
        raise TerraformError(error)


def test_another_error_of_terraforms_is_told_as_it_is():
    with pytest.raises(TerraformError, match=r"^Invalid"), explained(deployment()):
        raise TerraformError("Invalid argument")


def test_a_state_that_could_not_be_written_is_named(tmp_path):
    """The credentials expired in the middle: the newest state is a file here, and nowhere else."""
    (tmp_path / "errored.tfstate").write_text("{}")
    made = deployment(remote=True, errored=tmp_path / "errored.tfstate")
    for cause, told in [
        ("ExpiredToken", "have expired"),
        ("x\n  ✗ gone", "to s3://b/k:\n  ✗ gone"),
    ]:
        with (
            pytest.raises(WorkshopError, match=rf"(?s){told}.*errored\.tfstate"),
            explained(made),
        ):
            raise TerraformError(cause)


def test_after_ctrl_c_the_way_on_is_told(capsys):
    for changing in (True, False):
        with pytest.raises(KeyboardInterrupt), explained(deployment(), changing=changing):
            raise KeyboardInterrupt
        told = capsys.readouterr().err
        assert ("the same command goes on from there" in told) is changing


def test_what_was_rehearsed_on_a_cloud_started_anew_is_forgotten(monkeypatch, tmp_path):
    """A local cloud keeps nothing: a state from its start before would be of nothing."""
    boots = iter(["one", "one", "two"])
    monkeypatch.setattr(
        account_stack,
        "Control",
        lambda _: SimpleNamespace(status=lambda: SimpleNamespace(boot_id=next(boots))),
    )
    target = SimpleNamespace(endpoint_url=LOCAL, directory=tmp_path / "aws")
    (tmp_path / "aws" / "bootstrap").mkdir(parents=True)
    kept = [tmp_path / "aws" / each / "terraform.tfstate" for each in ("", "bootstrap")]
    account_stack._forget_another_start(target)
    for each in kept:
        each.write_text("{}")
    account_stack._forget_another_start(target)
    assert all(each.exists() for each in kept)
    account_stack._forget_another_start(target)
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
    monkeypatch.setattr(account_stack, "alone", lambda _: contextlib.nullcontext(0))
    monkeypatch.setattr(deploy, "Deployment", FakeDeployment)


@pytest.mark.usefixtures("fake_account")
@pytest.mark.parametrize(("stage", "told"), [(4, False), (5, True)])
def test_the_alarms_cost_is_told_where_there_are_alarms(monkeypatch, capsys, stage, told):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    with pytest.raises(WorkshopError, match="Nothing was changed"):
        deploy.deploy(stage)
    assert ("for the alarms" in capsys.readouterr().out) is told


@pytest.mark.usefixtures("fake_account")
def test_account_region_names_and_state_are_told_before_anything_is_asked(monkeypatch, capsys):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    for verb in (deploy.deploy, deploy.destroy):
        with pytest.raises(WorkshopError, match="Nothing was changed"):
            verb(confirm=None) if verb is deploy.destroy else verb()
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
    """A person is told where to look; nobody looks after the pipeline."""
    left = teardown_check.Leftovers(not_searched=["budgets: AccessDenied"])
    monkeypatch.setattr(teardown_check, "search", lambda *_: left)
    expected = (
        pytest.raises(WorkshopError, match="not proven") if whole else contextlib.nullcontext()
    )
    with expected:
        deploy._prove(None, "orderflow", whole=whole)
    assert whole or "budgets: AccessDenied" in capsys.readouterr().err


def test_where_the_state_of_a_missing_stack_would_be_is_told(monkeypatch):
    monkeypatch.setattr(account_stack, "target", lambda _: Target("x", "r", "1", None, own=False))
    monkeypatch.setattr(account_stack, "alone", lambda _: contextlib.nullcontext(0))
    nothing = deployment()
    monkeypatch.setattr(account_stack, "Deployment", lambda *_: nothing)
    with pytest.raises(WorkshopError, match=r"No stack with names orderflow-\* is known"):
        account_stack.found().__enter__()


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
