"""The action and resource of a request, where MiniStack's differ from AWS's or are missing.

Source: Service Authorization Reference, of each service: its actions and their resource types.
There MiniStack checks `*`, a resource of another type, or another action: to update an alias, it
requires the permission to list aliases.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

_ARN = "{0}"
_BUS = "arn:aws:events:{region}:{account}:event-bus/{0}"
_RULE = "arn:aws:events:{region}:{account}:rule/{EventBusName}/{0}"
_ARCHIVE = "arn:aws:events:{region}:{account}:archive/{0}"
_FUNCTION = "arn:aws:lambda:{region}:{account}:function:{0}"
_DASHBOARD = "arn:aws:cloudwatch::{account}:dashboard/{0}"
_ALARM = "arn:aws:cloudwatch:{region}:{account}:alarm:{0}"
_BUDGET = "arn:aws:budgets::{account}:budget/{0}"

_KEPT = ("Create", "Delete", "Describe", "Update")
_TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")

_NAMED: dict[str, tuple[str, str]] = {
    # action: the field with the name, and the ARN
    **{f"dynamodb:{each}": ("ResourceArn", _ARN) for each in (*_TAGGING, "ListTagsOfResource")},
    **{f"{service}:{each}": ("ResourceARN", _ARN) for service in ("events", "cloudwatch", "budgets")
       for each in _TAGGING},
    **{f"sns:{each}": ("ResourceArn", _ARN) for each in _TAGGING},
    **{f"events:{each}EventBus": ("Name", _BUS) for each in _KEPT},
    **{f"events:{each}Archive": ("ArchiveName", _ARCHIVE) for each in _KEPT},
    **{f"events:{each}": ("Rule", _RULE)
       for each in ("ListTargetsByRule", "PutTargets", "RemoveTargets")},
    "lambda:CreateFunction": ("FunctionName", _FUNCTION),
    "cloudwatch:PutMetricAlarm": ("AlarmName", _ALARM),
    "cloudwatch:DeleteAlarms": ("AlarmNames.member.1", _ALARM),
    "cloudwatch:PutDashboard": ("DashboardName", _DASHBOARD),
    "cloudwatch:GetDashboard": ("DashboardName", _DASHBOARD),
    "cloudwatch:DeleteDashboards": ("DashboardNames.member.1", _DASHBOARD),
    "budgets:ModifyBudget": ("BudgetName", _BUDGET),
    "budgets:ViewBudget": ("BudgetName", _BUDGET),
}  # fmt: skip

_PART_OF_FUNCTION = re.compile(
    r"/functions/[^/]+/(?:(?P<alias>aliases)/[^/]+|(?P<part>event-invoke-config|concurrency))/?$"
)
_MAPPING = re.compile(r"/event-source-mappings/[^/]+/?$")
_ON_MAPPING = {
    "GET": "GetEventSourceMapping",
    "PUT": "UpdateEventSourceMapping",
    "DELETE": "DeleteEventSourceMapping",
}
_ON_PARTS = {
    "aliases": {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"},
    "event-invoke-config": {
        "GET": "GetFunctionEventInvokeConfig",
        "PUT": "PutFunctionEventInvokeConfig",
        "POST": "UpdateFunctionEventInvokeConfig",
        "DELETE": "DeleteFunctionEventInvokeConfig",
    },
    "concurrency": {
        "GET": "GetFunctionConcurrency",
        "PUT": "PutFunctionConcurrency",
        "DELETE": "DeleteFunctionConcurrency",
    },
}

RolePath = Callable[[str], str | None]
"""Returns the IAM path of a role, such as ``/bootstrap/``; None if there is no such role."""


def action(asked: str | None, service: str, method: str, path: str) -> str | None:
    """Return the action that AWS checks.

    Args:
        asked: The action that MiniStack checks; None: none.
        service: The service of the request.
        method: The request's HTTP method.
        path: The request's path.
    """
    if service == "lambda" and (part := _PART_OF_FUNCTION.search(path)):
        operations = _ON_PARTS[part["alias"] or part["part"]]
        return f"lambda:{operations[method]}" if method in operations else asked
    if service == "lambda" and _MAPPING.search(path) and method in _ON_MAPPING:
        return f"lambda:{_ON_MAPPING[method]}"
    operation = (asked or "").removeprefix("budgets:")
    if service != "budgets" or not operation or operation in _TAGGING:
        return asked
    return "budgets:ViewBudget" if operation.startswith("Describe") else "budgets:ModifyBudget"


def resource(asked: str, body: bytes, region: str, account: str, path_of: RolePath) -> str | None:
    """Return the ARN that AWS checks; None if MiniStack checks the same.

    Args:
        asked: The action, such as ``events:PutTargets``.
        body: The request's body.
        region: The request's region.
        account: The caller's account.
        path_of: Returns the path of a role that the request names.
    """
    fields = _fields(body)
    if asked.startswith("iam:") and (role := fields.get("RoleName")):
        path = path_of(role) or fields.get("Path", "/")
        return f"arn:aws:iam::{account}:role{path}{role}"
    if asked not in _NAMED:
        return None
    field, arn = _NAMED[asked]
    name = fields.get(field)
    if not isinstance(name, str):
        return "*" if asked.startswith("budgets:") else None
    if name.startswith("arn:"):
        return name
    bus = fields.get("EventBusName", "default")
    return arn.format(name, region=region, account=account, EventBusName=bus)


def _fields(body: bytes) -> dict[str, Any]:
    """Return the fields of a request in JSON or in a form, with those of its budget."""
    try:
        found = json.loads(body)
    except ValueError:
        form = parse_qs(body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in form.items()}
    if not isinstance(found, dict):
        return {}
    budget = found.get("Budget") or found.get("NewBudget")
    return {**found, **budget} if isinstance(budget, dict) else found
