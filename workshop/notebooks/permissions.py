"""Show the permissions of functions as tables, read from their roles' policies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from workshop.notebooks.tables import NOTHING, table

Policy = Mapping[str, Any]


def permission_table(policies: Mapping[str, Iterable[Policy]]) -> pd.DataFrame:
    """Return a row for each policy statement: function, Sid, actions, resources and conditions.

    Args:
        policies: Function key → the documents of its role's policies.
    """
    rows = (row for key, documents in policies.items() for row in _rows(key, documents))
    return table(rows, "function", "statement", "may", "on", "if")


def service_table(policies: Mapping[str, Iterable[Policy]], *services: str) -> pd.DataFrame:
    """Return a row for each function: its actions in each of these services.

    Args:
        policies: Function key → the documents of its role's policies.
        services: The prefixes of actions, such as `dynamodb`.
    """
    rows = (
        {"function": key, **{name: _actions(documents, name) for name in services}}
        for key, documents in ((key, list(each)) for key, each in policies.items())
    )
    return table(rows, "function", *services)


def _rows(key: str, documents: Iterable[Policy]) -> Iterator[dict[str, str]]:
    for document in documents:
        for statement in _list(document["Statement"]):
            effect = "" if statement.get("Effect", "Allow") == "Allow" else "NOT "
            yield {
                "function": key,
                "statement": statement.get("Sid", NOTHING),
                "may": effect + ", ".join(_list(statement.get("Action", "all but NotAction"))),
                "on": ", ".join(map(_short, _list(statement.get("Resource", NOTHING)))),
                "if": _condition(statement) or NOTHING,
            }


def _actions(documents: Iterable[Policy], service: str) -> str | None:
    """Return the actions in a service without its prefix; None if there are none."""
    found = {
        action.partition(":")[2]
        for document in documents
        for statement in _list(document["Statement"])
        if statement.get("Effect", "Allow") == "Allow"
        for action in _list(statement.get("Action", "*"))
        if action.partition(":")[0] in {service, "*"}
    }
    found = {action or "*" for action in found}  # "*" alone: all actions of all services
    return ", ".join(sorted(found)) or None


def _condition(statement: Mapping[str, Any]) -> str:
    """Return a statement's conditions, such as `events:source = orderflow.payment`."""
    return ", ".join(
        f"{key} = {' or '.join(map(str, _list(value)))}"
        for operator in statement.get("Condition", {}).values()
        for key, value in operator.items()
    )


def _short(arn: str) -> str:
    """Return an ARN without partition, region and account."""
    parts = arn.split(":", 5)
    return arn if len(parts) < 6 else f"{parts[2]}: {parts[5]}"


def _list(value: Any) -> list[Any]:
    """Return a list; IAM may write a single value without brackets."""
    return value if isinstance(value, list) else [value]
