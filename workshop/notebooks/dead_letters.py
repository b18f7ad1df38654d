"""Find an order's dead letter among SQS messages, and show its fields as a table."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from workshop.errors import WorkshopError
from workshop.journeys.hops import is_about
from workshop.notebooks.tables import table


def dead_letter_of(messages: Iterable[Mapping[str, Any]], order_id: str) -> Mapping[str, Any]:
    """Return the message about an order; the queue may also hold messages about others.

    Args:
        messages: What `receive_message` returned.
        order_id: Which order.

    Raises:
        WorkshopError: No message is about the order.
    """
    for message in messages:
        if is_about(message["Body"], order_id):
            return message
    raise WorkshopError(
        "SQS returned no message about this order; it returns at most ten at a time. "
        "Run this cell again. If the queue is full of other orders, see `make dlq`."
    )


def field_table(record: Mapping[str, Any], meanings: Mapping[str, str]) -> pd.DataFrame:
    """Return fields of a record as a table: field, value, and what it means.

    Args:
        record: A nested record, such as the parsed body of a message.
        meanings: Path, such as `requestContext.condition`, → what the field means.
    """
    rows = [
        {"field": path, "value": _value(record, path), "what it means": meaning}
        for path, meaning in meanings.items()
    ]
    return table(rows, "field", "value", "what it means")


def _value(record: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, or None; a nested value is returned as JSON."""
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return json.dumps(value) if isinstance(value, Mapping | list) else value
