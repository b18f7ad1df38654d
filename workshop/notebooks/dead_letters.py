"""Dead letters as SQS hands them over: finding one, and reading it field by field."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from workshop.errors import WorkshopError
from workshop.notebooks.tables import table


def letter_of(messages: Iterable[Mapping[str, Any]], order_id: str) -> Mapping[str, Any]:
    """Return the message that tells of an order; others may lie in the same queue.

    Raises:
        WorkshopError: None does.
    """
    for message in messages:
        if order_id in message["Body"]:
            return message
    raise WorkshopError(
        "The order's letter was not among the messages that SQS showed, at most ten at a time. "
        "Run this cell again; if others fill the queue, see `make dlq`."
    )


def field_table(record: Mapping[str, Any], meanings: Mapping[str, str]) -> pd.DataFrame:
    """Return some fields of a record as a table: field, value, and what it means.

    Args:
        record: Nested, such as the parsed body of a message.
        meanings: Path, such as `requestContext.condition` → what it means.
    """
    rows = [
        {"field": path, "value": _value(record, path), "what it means": meaning}
        for path, meaning in meanings.items()
    ]
    return table(rows, "field", "value", "what it means")


def _value(record: Mapping[str, Any], path: str) -> Any:
    """What stands at a path; None if nothing does. What is nested deeper is shown as JSON."""
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return json.dumps(value) if isinstance(value, Mapping | list) else value
