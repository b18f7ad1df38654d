"""The check of trust policies finds every fault that has given strangers access to accounts."""

import pytest

from tests.fixtures.trust import AUDIENCE, GITHUB, faults

AUD, SUB = f"{GITHUB}:aud", f"{GITHUB}:sub"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"
SUBJECTS = [
    "repo:acme/shop:environment:production",
    "repo:acme@11/shop@22:environment:production",
]


def policy(condition=None, **changes):
    """Return a good trust policy with some changes."""
    whole = {"StringEquals": {AUD: AUDIENCE, SUB: SUBJECTS}}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": PROVIDER},
        "Condition": whole if condition is None else condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement | changes]}


def test_good_policy_has_no_faults():
    """Whole claims, both forms of the subject, and nothing else."""
    assert faults(policy()) == []
    assert faults({"Statement": policy()["Statement"][0]}) == []


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        (policy({"StringLike": {AUD: AUDIENCE, SUB: "repo:acme/shop:*"}}), "whole values"),
        (
            policy({"StringEquals": {AUD: AUDIENCE}, "StringLike": {SUB: "repo:acme/*"}}),
            "whole values",
        ),
        (policy({"StringEquals": {AUD: AUDIENCE, SUB: "repo:*"}}), "no whole subject"),
        (policy({"StringEquals": {AUD: AUDIENCE, SUB: [*SUBJECTS, "*"]}}), "no whole subject"),
        (policy({"StringEquals": {AUD: AUDIENCE, SUB: "repo:acme/*:pull_request"}}), "'repo:acme"),
        (policy({"StringEquals": {AUD: AUDIENCE, SUB: "repo:acme/shop"}}), "no whole subject"),
        (policy({"StringEquals": {AUD: AUDIENCE, SUB: []}}), "every repository"),
        (policy({"StringEquals": {AUD: AUDIENCE}}), "every repository"),
        (policy({"StringEquals": {SUB: SUBJECTS}}), "aud"),
        (policy({"StringEquals": {AUD: "https://github.com/acme", SUB: SUBJECTS}}), "aud"),
        (policy({"StringEqualsIfExists": {AUD: AUDIENCE, SUB: SUBJECTS}}), "whole values"),
        (policy({"ForAllValues:StringEquals": {AUD: AUDIENCE, SUB: SUBJECTS}}), "whole values"),
        (policy({}), "every repository"),
        (policy(Principal="*"), "identity provider"),
        (policy(Principal={"AWS": "*", "Federated": PROVIDER}), "identity provider"),
        (policy(Principal={"Federated": PROVIDER.replace(GITHUB, "evil.example")}), "not GitHub"),
        (policy(Action="sts:*"), "other ways"),
        (policy(Action=["sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"]), "other ways"),
    ],
)
def test_planted_fault_is_found(planted, message):
    """Each of these gives somebody else access, or would after one more mistake."""
    assert any(message in each for each in faults(planted)), faults(planted)
