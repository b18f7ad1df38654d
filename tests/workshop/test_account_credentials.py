"""Where the caller's AWS settings lead, and which credentials they bring."""

import re

import boto3
import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    NoCredentialsError,
)

from workshop.commands import account_options
from workshop.deployment.aws import account_stack
from workshop.deployment.target import LOCAL_CREDENTIALS, Target
from workshop.errors import UsageError, WorkshopError

LOCAL = "http://127.0.0.1:4999"
EXPORT = re.escape('eval "$(aws configure export-credentials --format env)"')


class FakeSession:
    """A session as far as ``account.target`` needs it."""

    fails = None
    method = "env"

    def __init__(self, region_name=None):
        self.region_name = region_name

    def client(self, *_, **__):
        return self

    def get_credentials(self):
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


def test_target_name_contains_the_port_of_a_local_cloud(session, monkeypatch):
    """The account's number is the same for all of them, and what one holds is not the other's."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOCAL)
    assert account_stack.target("orderflow").name == "aws-123456789012-us-east-1-4999"


def test_without_credentials_the_way_to_them_is_named(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"`aws configure`.*AWS_PROFILE"):
        account_stack.target("orderflow")


def test_profile_with_a_session_of_aws_login_is_recognised(session, monkeypatch, tmp_path):
    """Whatever is wrong with the session: it has expired, say."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[profile me]\nlogin_session = arn:aws:iam::1:user/me\n")
    session.fails = NoCredentialsError()
    for profile, expected in {"me": EXPORT, "missing": "aws configure`"}.items():
        monkeypatch.setenv("AWS_PROFILE", profile)
        with pytest.raises(WorkshopError, match=expected):
            account_stack.target("orderflow")


def test_session_of_aws_login_is_exported_for_terraform(session, monkeypatch):
    """With that package boto3 reads it, and Terraform does not."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(session, "method", "login")
    with pytest.raises(WorkshopError, match=EXPORT):
        account_stack.target("orderflow")


def test_profile_of_aws_login_is_read_by_the_locked_boto3(monkeypatch, tmp_path):
    """As that version does it: the message above depends on its words."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    (tmp_path / "config").write_text("[default]\nlogin_session = arn:aws:iam::1:user/me\n")
    monkeypatch.setattr("botocore.credentials.EC", None)  # where the package is missing
    with pytest.raises(WorkshopError, match=EXPORT):
        account_stack.target("orderflow")
    with pytest.raises(WorkshopError, match=EXPORT):
        Target("aws-login", "eu-west-1", "1", None, own=False).client("dynamodb")


def test_credentials_of_the_local_cloud_are_taken_back(session, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    session.fails = NoCredentialsError()
    with pytest.raises(WorkshopError, match=r"local cloud's.*--unset"):
        account_stack.target("orderflow")


def test_error_names_a_local_cloud_that_is_not_running(session, monkeypatch):
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
