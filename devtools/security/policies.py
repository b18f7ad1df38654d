"""Checks of all policies of a plan."""

import re
from collections.abc import Iterator

from devtools.security.resources import Finding, Resources, listed

GITHUB = "token.actions.githubusercontent.com"
"""The issuer of the tokens of GitHub's workflows."""


def known_policies(resources: Resources) -> Iterator[Finding]:
    """Every policy is known, so that the other checks read it."""
    for each, policy in resources.policies:
        if not policy:
            yield each.finding(known_policies, "the plan does not know the policy yet")


def wildcards(resources: Resources, prefix: str) -> Iterator[Finding]:
    """Each allowed action has its whole name, each resource at least the project's prefix.

    Resources below a named one (`…:log-group:orderflow-payment:*`) are named.
    """
    for each, statement in resources.statements:
        if statement["Effect"] != "Allow":
            continue
        sid = statement.get("Sid", "")
        for negated in ("NotAction", "NotResource", "NotPrincipal"):
            if negated in statement:
                yield each.finding(wildcards, f"{negated} allows all that it does not name", sid)
        for action in listed(statement.get("Action", [])):
            if _first_part(action) != action:
                yield each.finding(wildcards, f"the action {action} has a wildcard", sid)
        for resource in listed(statement.get("Resource", [])):
            known = _first_part(resource)
            if known != resource and prefix not in known:
                yield each.finding(
                    wildcards, f"the resource {resource} has no name of the project", sid
                )


def _first_part(pattern: str) -> str:
    """Return the text before a pattern's first wildcard."""
    return re.split("[*?]", pattern, maxsplit=1)[0]


def open_policies(resources: Resources) -> Iterator[Finding]:
    """No policy of a resource or role allows everybody."""
    for each, statement in resources.statements:
        anybody = any(
            "*" in listed(who)
            for principal in listed(statement.get("Principal", []))
            for who in (principal.values() if isinstance(principal, dict) else [principal])
        )
        if statement["Effect"] == "Allow" and anybody:
            yield each.finding(open_policies, "anybody is let in", statement.get("Sid", ""))


def boundaries(resources: Resources, boundary: str) -> Iterator[Finding]:
    """Every role has the permissions boundary."""
    for role in resources.of("aws_iam_role"):
        if role.values.get("permissions_boundary") != boundary:
            yield role.finding(boundaries, f"its permissions boundary is not {boundary}")


def trust_in_github(resources: Resources) -> Iterator[Finding]:
    """The trust policy of a role for GitHub's workflows compares whole audiences and subjects."""
    for role, statement in resources.statements:
        principal = statement.get("Principal")
        if role.type != "aws_iam_role" or "Federated" not in (principal or {}):
            continue
        sid = statement.get("Sid", "")
        condition = statement.get("Condition", {})
        if list(condition) != ["StringEquals"]:
            yield role.finding(trust_in_github, "it compares by other than StringEquals", sid)
        compared = condition.get("StringEquals", {})
        if compared.get(f"{GITHUB}:aud") not in ("sts.amazonaws.com", ["sts.amazonaws.com"]):
            yield role.finding(trust_in_github, "its audience is not AWS alone", sid)
        subjects = listed(compared.get(f"{GITHUB}:sub", []))
        if not subjects:
            yield role.finding(trust_in_github, "it asks for no subject", sid)
        for subject in subjects:
            if _first_part(subject) != subject:
                yield role.finding(trust_in_github, f"{subject} has a wildcard", sid)
