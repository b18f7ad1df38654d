"""What must hold at the end of exercise 06.1."""

import fnmatch
import json
import re
import subprocess

import pytest

from workshop.deployment.terraform import find
from workshop.paths import CICD

GITHUB = "token.actions.githubusercontent.com"
ASKED = """
variable "repository" { default = "you/orders" }
variable "owner_id" { default = "11" }
variable "repository_id" { default = "22" }
locals { oidc_provider = "arn:aws:iam::123456789012:oidc-provider/github" }
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """The two trust policies, as Terraform makes them."""
    folder = tmp_path_factory.mktemp("trust")
    text = (CICD / "terraform/github.tf").read_text("utf-8")
    folder.joinpath("asked.tf").write_text(ASKED, "utf-8")
    found = re.search(r"^locals \{\n.*?^\}", text, re.MULTILINE | re.DOTALL)
    assert found, "github.tf has no locals any more: the check cannot read it."
    folder.joinpath("github.tf").write_text(found[0], "utf-8")
    done = subprocess.run(
        [find(), "console"],
        cwd=folder,
        input="jsonencode(local.trust_policies)\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"Terraform cannot read github.tf: {done.stderr or done.stdout}"
    return {name: json.loads(text) for name, text in json.loads(json.loads(done.stdout)).items()}


def admitted(policy, sub, aud="sts.amazonaws.com"):
    """Whether a policy gives its role to a token, as IAM decides."""
    token = {f"{GITHUB}:sub": sub, f"{GITHUB}:aud": aud}
    compare = {"StringEquals": str.__eq__, "StringLike": fnmatch.fnmatchcase}
    for statement in policy["Statement"]:
        conditions = [
            any(
                compare[operator](token.get(key, ""), value)
                for value in ([values] if isinstance(values, str) else values)
            )
            for operator, keys in statement["Condition"].items()
            for key, values in keys.items()
        ]
        if all(conditions):
            return True
    return False


STRANGERS = [
    ("a repository of somebody else", "repo:stranger/orders:environment:production"),
    ("a repository whose name begins like yours", "repo:you/orders-fork:environment:production"),
    (
        "a newer one whose name begins like yours",
        "repo:you@11/orders-copy@99:environment:production",
    ),
    ("another repository of yours", "repo:you/blog:environment:production"),
]
OURS_BUT = [
    ("a pull request", "repo:you/orders:pull_request"),
    ("any branch that somebody pushes", "repo:you/orders:ref:refs/heads/release/evil"),
    ("main itself, before anybody approved", "repo:you@11/orders@22:ref:refs/heads/main"),
    ("another environment", "repo:you/orders:environment:production-test"),
]


@pytest.mark.parametrize(("who", "sub"), STRANGERS)
def test_no_stranger_gets_in(policies, who, sub):
    """No other repository gets a role in your account"""
    assert not admitted(policies["deploy"], sub), (
        f"A workflow in {who} ({sub}) could deploy to your account."
    )
    assert not admitted(policies["plan"], sub), (
        f"A workflow in {who} ({sub}) could read your account."
    )


@pytest.mark.parametrize(("who", "sub"), OURS_BUT)
def test_nothing_unapproved_deploys(policies, who, sub):
    """In your own repository only what was approved deploys"""
    assert not admitted(policies["deploy"], sub), (
        f"In your repository {who} could deploy to your account, and nobody is asked."
    )


def test_the_pipeline_still_works(policies):
    """The jobs that are meant get their roles, with both forms of the repository's name"""
    for repository in ("repo:you/orders", "repo:you@11/orders@22"):
        assert admitted(policies["deploy"], f"{repository}:environment:production"), (
            "The job that deploys does not get its role any more."
        )
        for use in ("pull_request", "ref:refs/heads/main"):
            assert admitted(policies["plan"], f"{repository}:{use}"), (
                "The job that plans does not get its role any more."
            )
