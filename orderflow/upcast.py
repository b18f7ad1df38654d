"""Older versions of events, turned into the newest one: a service reads only that.

The schemas of older versions stay in `contracts`, because their events still come: from the
archive, from dead-letter queues, and for ever from tables, whose stored outcomes are published
again as they were written.
"""

from collections.abc import Callable
from typing import Any

from orderflow.event import Event

Data = dict[str, Any]

FIRST_WAREHOUSE = "ROTTERDAM"
"""The only warehouse before version 2 of `InventoryUpdated`. A fact of the past: it stays, even
if the inventory service chooses others."""


def _name_the_warehouse(data: Data) -> Data:
    """Add what version 2 adds: the warehouse of a reservation."""
    inventory = data["inventory"]
    if inventory["status"] != "RESERVED":
        return data
    return data | {"inventory": inventory | {"warehouse": FIRST_WAREHOUSE}}


NEXT: dict[tuple[str, int], Callable[[Data], Data]] = {
    ("InventoryUpdated", 1): _name_the_warehouse,
}
"""Event type and version → what turns its `data` into the next version's. It changes no input."""


def newest(event: Event) -> Event:
    """Return a valid event in the newest version of its type, step by step; else as it is."""
    data, version = event.detail["data"], event.version
    while upcast := NEXT.get((event.type, version)):
        data, version = upcast(data), version + 1
    if version == event.version:
        return event
    metadata = event.detail["metadata"] | {"schema_version": version}
    return Event(event.type, {"metadata": metadata, "data": data})
