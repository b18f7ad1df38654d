"""Show a Terraform plan for the stack as a table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workshop.deployment import bundles
from workshop.deployment.aws.plan_report import Change, touched
from workshop.deployment.terraform import config_copy
from workshop.deployment.terraform.runner import Terraform
from workshop.notebooks.connection import Connection
from workshop.notebooks.tables import table

LONGEST = 24
"""Maximum characters of a value; of a longer one, only the name is shown."""

_NAMES = ("function_name", "name", "alarm_name", "dashboard_name", "bucket")
"""Attributes that name a resource, the preferred first."""

_NAMED_BY = {
    "aws_cloudwatch_event_target": "rule",
    "aws_iam_role_policy": "role",
    "aws_s3_object": "key",
}
"""Resource types that another attribute names."""


def plan(connection: Connection, **variables: Any) -> pd.DataFrame:
    """Return what deploying this checkout would change, one row per resource.

    Args:
        connection: The stack; the plan does not change it.
        **variables: Root variables with values other than the deployed ones.

    Raises:
        TerraformError: Terraform failed; the message has its errors.
    """
    bundles.build()
    changes = _terraform(connection).preview(variables)["resource_changes"]
    return table(rows(changes), "resource", "kind", "action", "what differs")


def terraform_state(connection: Connection) -> dict[str, Any]:
    """Return the stack's Terraform state, local or in the bucket.

    Raises:
        TerraformError: Terraform failed; the message has its errors.
    """
    return _terraform(connection).pull_state()


def _terraform(connection: Connection) -> Terraform:
    """Return Terraform, initialised for the stack."""
    target = connection.stack.target
    copy = config_copy.of(target.directory)
    terraform = Terraform(target.directory, target.environment(), configuration=copy)
    terraform.init()
    return terraform


def rows(changes: list[Change]) -> list[dict[str, str]]:
    """Return a row for each resource that would change, sorted by address."""
    return [
        {
            "resource": _name(each),
            "kind": each["type"].removeprefix("aws_").replace("_", " "),
            "action": action,
            "what differs": ", ".join(_differences(each["change"])),
        }
        for each, action in sorted(touched(changes), key=lambda pair: str(pair[0]["address"]))
    ]


def _name(change: Change) -> str:
    """Return a resource's name, or its address when it has none."""
    known: Mapping[str, Any] = change["change"]["before"] or change["change"]["after"] or {}
    names = (_NAMED_BY.get(change["type"]), *_NAMES)
    address = re.sub(r"\bmodule\.|\[0\]", "", change["address"])
    return next((str(known[name]) for name in names if name and known.get(name)), address)


def _differences(change: Change) -> Iterator[str]:
    """Yield the attributes that differ, with their values when short and not sensitive."""
    before, after = change["before"], change["after"]
    if before is None or after is None:
        return
    unknown = change.get("after_unknown") or {}
    secret = {**(change.get("before_sensitive") or {}), **(change.get("after_sensitive") or {})}
    for name in sorted(before.keys() | after.keys() | unknown.keys()):
        old, new = before.get(name), after.get(name)
        if unknown.get(name):
            yield f"{name} (known after the change)"
        elif old != new:
            short = not secret.get(name) and _is_short(old) and _is_short(new)
            yield f"{name} {old} → {new}" if short else name


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= LONGEST
