"""Deploying to an account of one's own: nothing without a clear yes."""

from types import SimpleNamespace

import boto3
import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from workshop.commands import deploy
from workshop.deployment import account
from workshop.deployment.stack import Record
from workshop.deployment.target import LOCAL_CREDENTIALS, Target
from workshop.errors import UsageError, WorkshopError

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
    target = account.target("orderflow")
    assert (target.name, target.region) == ("aws-123456789012-eu-west-1", "eu-west-1")
    assert target.session().region_name == "eu-west-1"


def test_without_credentials_the_way_to_them_is_named(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"`aws configure`.*AWS_PROFILE"):
        account.target("orderflow")


def test_credentials_of_the_local_cloud_are_taken_back(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"local cloud's.*--unset"):
        account.target("orderflow")


def test_a_local_cloud_that_is_gone_is_told(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    session.fails = EndpointConnectionError(endpoint_url=LOCAL)
    with pytest.raises(WorkshopError, match=r"a local cloud that is not running .*--unset"):
        account.target("orderflow")


@pytest.mark.parametrize(
    ("endpoint", "first"),
    [(LOCAL, f"This is the local cloud at {LOCAL}, not AWS."), (None, "")],
)
def test_a_local_cloud_is_never_taken_for_aws(monkeypatch, capsys, endpoint, first):
    target = Target("x", "us-east-1", "1", endpoint, own=False)
    monkeypatch.setattr(account, "target", lambda _: target)
    assert deploy._target("orderflow") is target
    assert capsys.readouterr().err.startswith(first)


def test_an_endpoint_elsewhere_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    with pytest.raises(UsageError, match=r"leads to https://elsewhere\.example"):
        account.target("orderflow")


def test_without_a_region_nothing_is_asked_of_aws(monkeypatch, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="No AWS region is set"):
        account.target("orderflow")


@pytest.mark.parametrize("typed", ["", "yes", "123456789013"])
def test_only_the_accounts_number_is_a_yes(monkeypatch, typed):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed)
    with pytest.raises(WorkshopError, match="Nothing was changed"):
        deploy._confirm("123456789012", yes=False)


def test_the_accounts_number_is_enough(monkeypatch):
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "123456789012 ")
    deploy._confirm("123456789012", yes=False)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("orderflow-payment", True),
        ("/aws/lambda/orderflow-payment", True),
        ("https://sqs.us-east-1.amazonaws.com/123456789012/orderflow-payment-dlq", True),
        ("arn:aws:sns:us-east-1:123456789012:orderflow-alarms", True),
        ("orderflow", True),  # the dashboard
        ("orderflows", False),
        ("other-orderflow-payment", False),
        ("/orderflow-x/other", False),
    ],
)
def test_what_is_left_is_told_by_its_name(name, ours):
    assert account._is_ours(name, "orderflow") is ours


def test_what_a_destroyed_stack_might_leave_is_found():
    """Every list is asked for, whole, and only names of the stack are told."""
    target = SimpleNamespace(account="123456789012", client=FakeService)
    left = account.leftovers(target, "orderflow")
    assert len(left.found) == len(account._LISTS)
    assert all(line.endswith("orderflow-left") for line in left.found)
    assert left.not_searched == []


def test_what_may_not_be_listed_is_named_and_stops_nothing():
    """Billing is closed to most people: the rest is searched all the same."""

    def service(name):
        return ClosedService() if name == "budgets" else FakeService(name)

    left = account.leftovers(SimpleNamespace(account="123456789012", client=service), "orderflow")
    assert left.not_searched == ["budgets: AccessDeniedException"]
    assert len(left.found) == len(account._LISTS) - 1


class ClosedService:
    """An AWS service that the caller may not ask."""

    def can_paginate(self, _):
        return False

    def describe_budgets(self, **_):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeBudgets")


@pytest.mark.parametrize(
    ("before", "given", "told"),
    [("", None, None), ("", "a@b.c", "a@b.c"), ("a@b.c", None, "a@b.c"), ("a@b.c", "none", None)],
)
def test_who_is_told_of_alarms_is_remembered(monkeypatch, before, given, told):
    """Deploying again without the option unsubscribes nobody."""
    planned = []
    deployment = object.__new__(account.Deployment)
    deployment._target = Target("x", "eu-west-1", "1", None, own=False)
    deployment._prefix = "orderflow"
    deployment._record = Record("eu-west-1", "1", None, None, alarm_email=before)
    deployment._terraform = SimpleNamespace(plan=lambda _, variables: planned.append(variables))
    monkeypatch.setattr(account.bundles, "build", list)
    deployment.plan(5, given)
    assert planned[0]["alarm_email"] == told


class FakeService:
    """Any AWS service whose every list names something of the stack, and something that is not."""

    def __init__(self, service):
        self.service = service

    def can_paginate(self, _):
        return False

    def __getattr__(self, operation):
        [entry] = [each for each in account._LISTS if each[:2] == (self.service, operation)]
        _, _, key, name = entry

        def answer(**whose):
            assert whose == ({"AccountId": "123456789012"} if self.service == "budgets" else {})
            names = ["orderflow-left", "other"]
            return {key: [{name: each} for each in names] if name else names}

        return answer


@pytest.mark.parametrize(("stage", "told"), [(4, False), (5, True)])
def test_the_alarms_cost_is_told_where_there_are_alarms(monkeypatch, capsys, stage, told):
    deployment = SimpleNamespace(plan=lambda *_: "nothing")
    monkeypatch.setattr(account, "target", lambda _: Target("x", "eu-west-1", "1", None, own=False))
    monkeypatch.setattr(account, "Deployment", lambda *_: deployment)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    with pytest.raises(WorkshopError, match="Nothing was changed"):
        deploy.deploy(stage)
    assert ("for the alarms" in capsys.readouterr().out) is told
