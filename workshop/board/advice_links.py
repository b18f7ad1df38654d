"""The places on the board that do the same as the commands of an order's advice."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from workshop.board import order_list
from workshop.board.event_list import EventLine

_COMMAND = re.compile(r"make (\w+)")

Link = tuple[str, str]
"""A link's text and its address; both are empty for none."""

NONE: Link = ("", "")


def link_of(
    advice: str, order_id: str, lines: Sequence[EventLine], keys: Mapping[str, str]
) -> Link:
    """Return the link beside a line of an order's advice.

    Args:
        advice: The line, with one command or none.
        order_id: The order.
        lines: Its events, oldest first.
        keys: Function name → key.
    """
    found = _COMMAND.search(advice)
    match found[1] if found else "":
        case "dlq" | "redrive":
            return (
                "Its dead letters on this board",
                f"/dead-letters?{urlencode({'order': order_id})}",
            )
        case "stock":
            return "See the stock", "/place-order"
        case "logs":
            return _to_logs(lines, keys)
        case "reconcile":
            return _to_send(lines, keys)
    return NONE


def _to_logs(lines: Sequence[EventLine], keys: Mapping[str, str]) -> Link:
    """Return the link to the event that failed last: its details have the log lines."""
    found = order_list.lost(lines, keys)
    return ("The event that failed", f"/events/{found[0].key}") if found else NONE


def _to_send(lines: Sequence[EventLine], keys: Mapping[str, str]) -> Link:
    """Return the link that sends the missed event to its function, else the first event."""
    found = order_list.lost(lines, keys)
    if found and found[0].logged:
        line, consumer = found
        query = urlencode({"from": line.key, "target": consumer.name})
        return f"Send {line.step} to {consumer.name} on this board", f"/send?{query}"
    first = next((each for each in lines if each.logged), None)
    if first is None:
        return NONE
    return f"Send {first.step} again on this board", f"/send?{urlencode({'from': first.key})}"
