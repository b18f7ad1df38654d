"""Condition keys that MiniStack leaves out, and the check of iam:PassRole.

Source: Service Authorization Reference, of each service: the condition keys
`iam:PermissionsBoundary`, `iam:PassedToService`, `lambda:Principal`, `sns:Protocol`, an API's
`aws:RequestTag` and `aws:ResourceTag`, and the dependent action `iam:PassRole`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

OF_THE_ROLE = frozenset(
    "iam:" + operation
    for operation in (
        "AttachRolePolicy",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
    )
)
"""Actions with the role's own boundary as `iam:PermissionsBoundary`."""

OF_THE_REQUEST = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
"""Actions with the request's boundary as `iam:PermissionsBoundary`."""

_PASSED_TO = {
    "lambda:CreateFunction": ("lambda.amazonaws.com", ("Role",)),
    "lambda:UpdateFunctionConfiguration": ("lambda.amazonaws.com", ("Role",)),
    "scheduler:CreateSchedule": ("scheduler.amazonaws.com", ("Target", "RoleArn")),
    "scheduler:UpdateSchedule": ("scheduler.amazonaws.com", ("Target", "RoleArn")),
}

BoundaryOf = Callable[[str], str | None]
"""Returns the ARN of a role's permissions boundary, by the role's name; None if there is none."""


def condition_keys(action: str, body: bytes, boundary_of: BoundaryOf) -> dict[str, str]:
    """Return the condition keys of a request that MiniStack lacks.

    Args:
        action: Such as ``iam:CreateRole``.
        body: The request's body.
        boundary_of: Returns the boundary of a role that the request names.
    """
    if action in OF_THE_REQUEST:
        return _known("iam:PermissionsBoundary", _form(body).get("PermissionsBoundary"))
    if action in OF_THE_ROLE:
        return _known("iam:PermissionsBoundary", boundary_of(_form(body).get("RoleName", "")))
    if action == "sns:Subscribe":
        return _known("sns:Protocol", _form(body).get("Protocol"))
    if action == "lambda:AddPermission":
        return _known("lambda:Principal", _found(body, ("Principal",)))
    if action == "lambda:TagResource" or action.startswith("apigateway:"):
        tags = _found(body, ("Tags",)) or _found(body, ("tags",))
        return dict(tag_keys("aws:RequestTag", tags if isinstance(tags, dict) else {}))
    return {}


def tag_keys(kind: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return the condition keys of tags, such as ``aws:RequestTag/Stack``."""
    return {f"{kind}/{name}": value for name, value in tags.items()}


def passed_role(action: str, body: bytes) -> tuple[str, dict[str, str]] | None:
    """Return the role that a request passes to a service, and its condition keys; None if none."""
    if action not in _PASSED_TO:
        return None
    service, path = _PASSED_TO[action]
    arn = _found(body, path)
    return (arn, {"iam:PassedToService": service}) if arn else None


def function_of_mapping(body: bytes) -> str:
    """Return the function that CreateEventSourceMapping names; empty if it names none."""
    return str(_found(body, ("FunctionName",)) or "")


def api_id(resource_arn: str) -> str | None:
    """Return the id of the HTTP API in an ARN; None for a part of an API, or another ARN."""
    _, found, rest = resource_arn.partition("::/apis/")
    return rest if found and "/" not in rest else None


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _found(body: bytes, path: tuple[str, ...]) -> Any:
    """Return the value at a path in a JSON body; None if there is none."""
    try:
        found: Any = json.loads(body)
        for name in path:
            found = found[name]
    except (ValueError, KeyError, TypeError):
        return None
    return found


def _known(key: str, value: str | None) -> dict[str, str]:
    """Return a condition key, if the request has it."""
    return {key: value} if value else {}
