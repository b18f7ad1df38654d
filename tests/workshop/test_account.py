"""Deploying to an account of one's own: nothing without a clear yes."""

import pytest
import typer

from workshop import account
from workshop.commands import deploy
from workshop.errors import UsageError, WorkshopError


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
        ("orderflows", False),
        ("other-orderflow-payment", False),
        ("/orderflow-x/other", False),
    ],
)
def test_what_is_left_is_told_by_its_name(name, ours):
    assert account._is_ours(name, "orderflow") is ours
