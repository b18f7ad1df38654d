"""Terraform's plans for AWS pass Checkov and our own checks, except for accepted findings."""

import tomllib
from pathlib import Path

import pytest

from devtools.security import scanners
from devtools.security.checks import findings
from devtools.security.plans import BOUNDARY, PREFIX
from devtools.security.resources import Resources

pytestmark = pytest.mark.security

ACCEPTED = tomllib.loads(Path(__file__).with_name("accepted.toml").read_text("utf-8"))
WHAT = ["stack", "bootstrap"]
OPEN_BUCKET = {
    "address": "aws_s3_bucket_public_access_block.planted",
    "mode": "managed",
    "type": "aws_s3_bucket_public_access_block",
    "name": "planted",
    "provider_name": "aws",
    "values": {"bucket": "planted", "block_public_acls": False, "block_public_policy": False},
}
PLANTED = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "planned_values": {"root_module": {"resources": [OPEN_BUCKET]}},
    "resource_changes": [
        {
            **{key: value for key, value in OPEN_BUCKET.items() if key != "values"},
            "change": {"actions": ["create"], "before": None, "after": OPEN_BUCKET["values"]},
        }
    ],
    "configuration": {"root_module": {}},
}
"""A plan with a public bucket."""


@pytest.fixture(scope="module")
def checkov(planned):
    """Return what Checkov finds in the plans, and in one with a planted fault."""
    return scanners.checkov(planned | {"planted": PLANTED})


def test_every_accepted_finding_has_its_reason():
    for sections in ACCEPTED.values():
        for reasons in sections.values():
            for name, reason in reasons.items():
                assert len(reason.split()) > 3, name


@pytest.mark.parametrize("what", WHAT)
def test_checkov_finds_only_what_is_accepted(checkov, what):
    accepted = ACCEPTED[what]["checkov"]
    assert [each for each in checkov[what] if each.check not in accepted] == []
    assert set(accepted) == {each.check for each in checkov[what]}, "not needed any more"


def test_checkov_finds_a_planted_open_bucket(checkov):
    assert {"CKV_AWS_53", "CKV_AWS_54"} <= {each.check for each in checkov["planted"]}


@pytest.mark.parametrize("what", WHAT)
def test_our_checks_find_only_what_is_accepted(planned, what):
    """Every role of the stack has the permissions boundary, which the bootstrap creates."""
    boundary = BOUNDARY if what == "stack" else None
    found = list(findings(planned[what], prefix=PREFIX, boundary=boundary))
    accepted = ACCEPTED[what]["checks"]
    assert [str(each) for each in found if each.subject not in accepted] == []
    assert set(accepted) == {each.subject for each in found}, "not needed any more"


def test_plan_contains_the_whole_system(planned):
    """Otherwise few findings would only mean few resources."""
    stack = Resources(planned["stack"])
    assert len(stack.of("aws_lambda_function")) >= 8
    assert len(stack.of("aws_cloudwatch_event_target")) >= 5
    assert len(stack.of("aws_sqs_queue")) >= 10
    permissions = stack.of("aws_lambda_permission")
    assert {each.values["qualifier"] or None for each in permissions} == {None, "live"}
