"""What functions may do, read from their roles' policies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from workshop.notebooks.frames import table

Policy = Mapping[str, Any]


def permission_table(policies: Mapping[str, Iterable[Policy]]) -> pd.DataFrame:
    """Return every statement of some policies as a table: whose, its name, what, on what.

    Args:
        policies: By function key, the documents of its role's policies.
    """
    rows = (row for key, documents in policies.items() for row in _rows(key, documents))
    return table(rows, "function", "statement", "may", "on")


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
            yield {
                "function": key,
                "statement": statement["Sid"],
                "may": ", ".join(_list(statement["Action"])),
                "on": ", ".join(map(_short, _list(statement["Resource"]))),
            }


def _actions(documents: Iterable[Policy], service: str) -> str | None:
    """The actions in one service, each once, without the service's name; None if there are none."""
    found = {
        action.partition(":")[2]
        for document in documents
        for statement in _list(document["Statement"])
        for action in _list(statement["Action"])
        if action.partition(":")[0] == service
    }
    return ", ".join(sorted(found)) or None


def _short(arn: str) -> str:
    """A resource without what all of a stack's share: partition, region and account."""
    parts = arn.split(":", 5)
    return arn if len(parts) < 6 else f"{parts[2]}: {parts[5]}"


def _list(value: Any) -> list[Any]:
    """IAM writes a list of one also without the brackets."""
    return value if isinstance(value, list) else [value]
