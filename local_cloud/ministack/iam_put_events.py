"""PutEvents is authorised entry by entry, with the entry's source and detail-type.

Source: Service Authorization Reference, Amazon EventBridge: the condition keys `events:source`
and `events:detail-type`.
"""

import json
from collections.abc import Callable
from typing import Any

ACTION = "events:PutEvents"

Enforce = Callable[[str, dict[str, Any]], Any]
"""Takes a bus's ARN and condition keys; returns None if allowed, else the denial."""


def entries_of(body: bytes) -> list[dict[str, Any]]:
    """Return the entries of a PutEvents request; none when it is malformed."""
    try:
        data = json.loads(body)
    except ValueError:
        return []
    entries = data.get("Entries") if isinstance(data, dict) else None
    return [entry for entry in entries or [] if isinstance(entry, dict)]


def bus_arn(entry: dict[str, Any], region: str, account: str) -> str:
    """Return the ARN of an entry's bus."""
    bus = entry.get("EventBusName")
    name = bus if isinstance(bus, str) and bus else "default"
    return (
        name if name.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{name}"
    )


def condition_keys(entry: dict[str, Any]) -> dict[str, str]:
    """Return the condition keys that describe an entry; a missing field has no key."""
    named = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
    return {key: value for key, value in named.items() if isinstance(value, str)}


def authorise(
    entries: list[dict[str, Any]], resource_arn: str, region: str, account: str, enforce: Enforce
) -> Any:
    """Authorise the entries for one bus; the first denial denies the whole request.

    Returns:
        None when all are allowed, else the denial.
    """
    concerned = [entry for entry in entries if bus_arn(entry, region, account) == resource_arn]
    for keys in [condition_keys(entry) for entry in concerned] or [{}]:
        if (denied := enforce(resource_arn, keys)) is not None:
            return denied
    return None
