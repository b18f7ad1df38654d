"""What functions may do, read from their roles' policies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from workshop.notebooks.tables import NOTHING, table

Policy = Mapping[str, Any]


def permission_table(policies: Mapping[str, Iterable[Policy]]) -> pd.DataFrame:
    """Return every statement of some policies as a table: whose, its name, what, on what, if what.

    Args:
        policies: By function key, the documents of its role's policies.
    """
    rows = (row for key, documents in policies.items() for row in _rows(key, documents))
    return table(rows, "function", "statement", "may", "on", "if")


def service_table(policies: Mapping[str, Iterable[Policy]], *services: str) -> pd.DataFrame:
    """Return a row for each function: what it may do in each of these services.

    Args:
        policies: By function key, the documents of its role's policies.
        services: Such as `dynamodb`: what stands before an action's colon.
    """
    rows = (
        {"function": key, **{name: _actions(documents, name) for name in services}}
        for key, documents in ((key, list(each)) for key, each in policies.items())
    )
    return table(rows, "function", *services)


def _rows(key: str, documents: Iterable[Policy]) -> Iterator[dict[str, str]]:
    for document in documents:
        for statement in _list(document["Statement"]):
            verb = "" if statement.get("Effect", "Allow") == "Allow" else "NOT "
            yield {
                "function": key,
                "statement": statement.get("Sid", NOTHING),
                "may": verb + ", ".join(_list(statement.get("Action", "all but NotAction"))),
                "on": ", ".join(map(_short, _list(statement.get("Resource", NOTHING)))),
                "if": _condition(statement) or NOTHING,
            }


def _actions(documents: Iterable[Policy], service: str) -> str | None:
    """The actions in one service, each once, without the service's name; None if there are none."""
    found = {
        action.partition(":")[2]
        for document in documents
        for statement in _list(document["Statement"])
        if statement.get("Effect", "Allow") == "Allow"
        for action in _list(statement.get("Action", "*"))
        if action.partition(":")[0] in {service, "*"}
    }
    found = {action or "*" for action in found}  # "*" alone: everything, everywhere
    return ", ".join(sorted(found)) or None


def _condition(statement: Mapping[str, Any]) -> str:
    """What a statement asks for besides, such as `events:source = orderflow.payment`."""
    return ", ".join(
        f"{key} = {' or '.join(map(str, _list(value)))}"
        for asked in statement.get("Condition", {}).values()
        for key, value in asked.items()
    )


def _short(arn: str) -> str:
    """A resource without what all of a stack's share: partition, region and account."""
    parts = arn.split(":", 5)
    return arn if len(parts) < 6 else f"{parts[2]}: {parts[5]}"


def _list(value: Any) -> list[Any]:
    """IAM writes a list of one also without the brackets."""
    return value if isinstance(value, list) else [value]
