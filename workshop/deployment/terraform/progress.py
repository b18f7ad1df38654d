"""Show what Terraform is doing, from the events it reports in JSON."""

import json
import re
from typing import Any

from workshop.console import Steps

Event = dict[str, Any]

_DOING = {"create": "creating", "update": "changing", "delete": "destroying", "read": "reading"}

_MODULE_AND_TYPE = re.compile(r"(?:.*\bmodule\.)?(\w+)(?:\[[^\]]*\])?\.aws_(\w+)\.")


def parse(line: str) -> Event:
    """Return one line of Terraform's JSON as an event; anything else that it prints has no type."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def short(address: str) -> str:
    """Return a resource's innermost module and its type, such as `payment lambda_function`."""
    found = _MODULE_AND_TYPE.search(address)
    return f"{found[1]} {found[2]}" if found else address


def show(event: Event, progress: Steps) -> None:
    """Show an event as one of an apply's steps.

    Args:
        event: What Terraform reported.
        progress: Where it is shown.
    """
    kind = event.get("type")
    if kind == "refresh_start":
        progress.doing(f"checking {short(event['hook']['resource']['addr'])}")
    elif kind in {"apply_start", "apply_progress"}:
        hook = event["hook"]
        action = _DOING.get(hook["action"], hook["action"])
        progress.doing(f"{action} {short(hook['resource']['addr'])}")
    elif kind in {"apply_complete", "apply_errored"}:
        progress.done()
