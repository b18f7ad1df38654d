"""Show why an event does not arrive as a table: rule by rule, the fields that refuse it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workshop.event_patterns import matches
from workshop.notebooks.connection import Connection
from workshop.notebooks.tables import table
from workshop.why import RuleAnswer, events, view, why


def why_table(stack: Connection, event: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each rule of the bus, or for each field of it that refuses an event.

    Args:
        stack: The stack with the bus.
        event: As EventBridge delivers it, or an entry of PutEvents.

    Raises:
        UsageError: It is no event.
    """
    answers = why(stack.stack, events.event_of(event, "This").event, matches)
    rows = (row for each in answers for row in _rows(each))
    columns = ("function", "rule", "field", "event has", "rule accepts", "change", "remark")
    return table(rows, *columns)


def _rows(answer: RuleAnswer) -> Iterator[dict[str, str | None]]:
    said = (answer.outcome, answer.permission, answer.note)
    rule = {
        "function": answer.function or answer.rule,
        "rule": view.verdict(answer),
        "remark": " ".join(filter(None, said)) or None,
    }
    for each in answer.refusals:
        yield rule | {
            "field": each.path,
            "event has": each.has,
            "rule accepts": each.accepts,
            "change": each.change,
        }
    if not answer.refusals:
        yield rule
