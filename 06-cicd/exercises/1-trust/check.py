"""What must hold at the end of exercise 06.1."""

import json
import re
import subprocess

import pytest

from workshop.deployment.terraform.program import find
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
    """Return the two trust policies, as Terraform creates them."""
    folder = tmp_path_factory.mktemp("trust")
    text = (CICD / "terraform/github.tf").read_text("utf-8")
    found = re.findall(r"^locals \{\n.*?^\}", text, re.MULTILINE | re.DOTALL)
    folder.joinpath("asked.tf").write_text(ASKED, "utf-8")
    folder.joinpath("github.tf").write_text("\n".join(found), "utf-8")
    done = subprocess.run(
        [find().path, "console"],
        cwd=folder,
        input="jsonencode(local.trust_policies)\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    try:
        made = json.loads(json.loads(done.stdout))
        return {role: json.loads(made[role]) for role in ("plan", "deploy")}
    except (ValueError, TypeError, KeyError):
        output = re.sub(r"\x1b\[\d*m|[╷│╵]", "", done.stderr + done.stdout).partition("Error: ")[2]
        why = " ".join(output.split()) or "there is no local.trust_policies for plan and deploy"
        return pytest.fail(f"Terraform cannot read the locals of github.tf: {why}", pytrace=False)


def like(value, pattern):
    """Return whether a value matches a pattern, as IAM's StringLike does."""
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(text, value) is not None


COMPARE = {
    "StringEquals": str.__eq__,
    "StringLike": like,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
}


def listed(value):
    return value if isinstance(value, list) else [value]


def met(operator, value, wanted):
    """Return whether a token's claim meets a condition; a missing claim is None."""
    kind = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
    name = kind.removesuffix("IfExists").replace("StringNot", "String")
    if name not in COMPARE:
        pytest.fail(
            f"This check does not know {operator}. Compare with StringEquals or StringLike.",
            pytrace=False,
        )
    if "StringNot" in kind:
        return value is None or not any(COMPARE[name](value, each) for each in wanted)
    if value is None:
        return kind != operator.removeprefix("ForAnyValue:") or kind.endswith("IfExists")
    return any(COMPARE[name](value, each) for each in wanted)


def admitted(policy, sub, aud="sts.amazonaws.com"):
    """Return whether a policy gives its role to a workflow's token, as IAM decides."""
    repository, _, use = sub.removeprefix("repo:").partition(":")
    kind, _, name = use.partition(":")
    claims = {"sub": sub, "aud": aud, "repository": re.sub(r"@\d+", "", repository)}
    claims |= {kind: name} if kind in ("ref", "environment") else {}
    effects = {
        statement["Effect"]
        for statement in listed(policy["Statement"])
        if all(
            met(operator, claims.get(key.removeprefix(f"{GITHUB}:")), listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    }
    return effects == {"Allow"}


STRANGERS = [
    ("a stranger's repository", "repo:stranger/orders"),
    ("a repository with a name that starts like yours", "repo:you/orders-fork"),
    ("a newer repository with a name that starts like yours", "repo:you@11/orders-copy@99"),
    ("another repository of yours", "repo:you/blog"),
]
OURS_BUT = [
    ("a pull request", "repo:you/orders:pull_request"),
    ("any branch that somebody pushes", "repo:you/orders:ref:refs/heads/release/evil"),
    ("a release branch", "repo:you@11/orders@22:ref:refs/heads/release/1"),
    ("main before anybody approved", "repo:you@11/orders@22:ref:refs/heads/main"),
    ("another environment", "repo:you/orders:environment:production-test"),
]
APPROVED = "environment:production"
MEANT = [("deploy", APPROVED), ("plan", "pull_request"), ("plan", "ref:refs/heads/main")]


@pytest.mark.parametrize(("who", "sub"), STRANGERS, ids=[who for who, _ in STRANGERS])
def test_no_stranger_gets_in(policies, who, sub):
    """No other repository gets a role in your account"""
    for use in (APPROVED, "ref:refs/heads/main", "ref:refs/heads/release/1", "pull_request"):
        token = f"{sub}:{use}"
        assert not admitted(policies["deploy"], token), (
            f"A workflow in {who} ({token}) could deploy to your account."
        )
        assert not admitted(policies["plan"], token), (
            f"A workflow in {who} ({token}) could read your account."
        )


@pytest.mark.parametrize(("who", "sub"), OURS_BUT, ids=[who for who, _ in OURS_BUT])
def test_nothing_unapproved_deploys(policies, who, sub):
    """In your own repository only an approved job deploys"""
    assert not admitted(policies["deploy"], sub), (
        f"In your repository, {who} could deploy to your account without an approval."
    )


def test_the_plan_role_is_for_main_and_pull_requests(policies):
    """In your own repository only main and pull requests get the plan role"""
    for branch in ("release/evil", "main-copy"):
        assert not admitted(policies["plan"], f"repo:you/orders:ref:refs/heads/{branch}"), (
            f"The branch {branch} could read your account."
        )


def test_a_token_for_somebody_else_opens_nothing(policies):
    """A token for another service gets no role"""
    for role, use in MEANT:
        token = f"repo:you/orders:{use}"
        assert not admitted(policies[role], token, aud="https://elsewhere.example"), (
            "Your workflow can request a token for another service. That service could use the "
            f"token at AWS, and would get the {role} role."
        )


def test_the_pipeline_still_works(policies):
    """The pipeline's own jobs get their roles, with both forms of the repository's name"""
    for repository in ("repo:you/orders", "repo:you@11/orders@22"):
        for role, use in MEANT:
            token = f"{repository}:{use}"
            assert admitted(policies[role], token), (
                f"The pipeline's own job ({token}) no longer gets the {role} role. What does the "
                "policy compare its token with? StringEquals takes a `*` literally."
            )
