"""Read the event that a learner asks about: a file, standard input, or a recent event's id."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_cloud.delivery.delivery_log import Origin
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Stack
from workshop.errors import UsageError
from workshop.why.explanation import Event

if TYPE_CHECKING:
    from local_cloud.delivery.change_log import BusEvent

STANDARD_INPUT = "-"

_REQUIRED: dict[str, type] = {"source": str, "detail-type": str, "detail": dict}
_ENTRY = {"Source": "source", "DetailType": "detail-type", "Detail": "detail"}
"""The fields of an entry of PutEvents that every event has."""
_OPTIONAL = {"Time": "time", "Resources": "resources"}
_DEFAULT_BUS = "default"
_SHOWN = 80
"""Characters of an argument that a message quotes."""
_KINDS: dict[type, str] = {str: "text", dict: "an object"}


@dataclass(frozen=True)
class Asked:
    """An event that somebody asks about.

    Attributes:
        event: The event as EventBridge delivers it.
        bus: The name or the ARN of its bus; empty if that is unknown.
        rules: The rules that matched when it reached the stack's bus; None if it was not sent
            there, or that is unknown.
    """

    event: Event
    bus: str = ""
    rules: tuple[str, ...] | None = None


def read(stack: Stack, what: str) -> list[Asked]:
    """Return the events that somebody asks about, oldest first.

    Args:
        stack: The stack.
        what: A file with an event, `-` for standard input, or on the local cloud the id of a recent
            event (EventBridge's or `detail.metadata.event_id`) or of an order.

    Raises:
        UsageError: There is nothing like it, or it is no event.
    """
    if what == STANDARD_INPUT:
        return parse(sys.stdin.read(), "Standard input")
    if _is_file(path := Path(what)):
        return parse(_text_of(path), what)
    if not stack.target.own:
        raise UsageError(
            f"There is no file {what:.{_SHOWN}}. On AWS no service keeps events by their ids: "
            "give the event as a file, or - for standard input."
        )
    return recent(stack, what)


def recent(stack: Stack, event_or_order: str) -> list[Asked]:
    """Return a recent event of the local cloud, or all recent events of an order, oldest first.

    An event that was published several times is returned as it was published last.

    Args:
        stack: The stack.
        event_or_order: The id of an event or an order.

    Raises:
        UsageError: The local cloud stores no such event.
    """
    events = injected_faults.switch(stack).events()
    by_id: list[BusEvent] = []
    by_order: list[BusEvent] = []
    for each in events:
        origin = Origin.of(each.content)
        if event_or_order in {origin.event_id, origin.identity}:
            by_id.append(each)
        elif origin.correlation_id == event_or_order:
            by_order.append(each)
    if not (found := by_id[-1:] or by_order):
        raise UsageError(
            "There is no file, no recent event and no recent order "
            f"{event_or_order:.{_SHOWN}}. The local cloud stores only the newest events, and none "
            "of before it was started."
        )
    bus = stack.outputs.event_bus_name
    return [
        Asked(each.content, each.bus, each.rules if each.bus == bus else None) for each in found
    ]


def parse(text: str, name: str) -> list[Asked]:
    """Return the events in a text: an event, an entry of PutEvents, or a list of them.

    Args:
        text: JSON.
        name: What the text is called in messages.

    Raises:
        UsageError: It is not JSON, or no event.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}.") from None
    except RecursionError:
        raise UsageError(f"{name} is JSON that is too deep.") from None
    if isinstance(content, Mapping) and isinstance(content.get("Entries"), list):
        content = content["Entries"]
    if isinstance(content, list) and content:
        return [event_of(each, f"{name}, event {i},") for i, each in enumerate(content, 1)]
    return [event_of(content, name)]


def event_of(content: Any, name: str) -> Asked:
    """Return an event, or an entry of PutEvents as the event that it becomes.

    Args:
        content: The event, parsed.
        name: What it is called in messages.

    Raises:
        UsageError: It is no event.
    """
    if not isinstance(content, Mapping):
        raise UsageError(f"{name} is no event: an event is a JSON object with {_and(_REQUIRED)}.")
    if _ENTRY.keys() & content.keys():
        return _entry(content, name)
    _check(content, _REQUIRED, name)
    return Asked(dict(content))


def _entry(content: Mapping[str, Any], name: str) -> Asked:
    """Return an entry of PutEvents as an event."""
    _check(content, dict.fromkeys(_ENTRY, str), name)
    try:
        detail = json.loads(content["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        raise UsageError(f"{name} is no event: Detail must be the text of a JSON object.")
    event = {to: content[of] for of, to in {**_ENTRY, **_OPTIONAL}.items() if of in content}
    return Asked(event | {"detail": detail}, content.get("EventBusName") or _DEFAULT_BUS)


def _check(content: Mapping[str, Any], required: Mapping[str, type], name: str) -> None:
    """Check that an event has the fields of every event.

    Raises:
        UsageError: One is missing, or has another type.
    """
    if missing := [field for field in required if field not in content]:
        is_or_are = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"{name} is no event: {_and(missing)} {is_or_are} missing. "
            f"An event has {_and(required)}."
        )
    for field, kind in required.items():
        if not isinstance(content[field], kind):
            raise UsageError(f"{name} is no event: {field} must be {_KINDS[kind]}.")


def _is_file(path: Path) -> bool:
    """Return whether an argument is meant as a file: it exists, or is named like one."""
    try:
        return path.exists() or path.suffix == ".json"
    except OSError:  # too long for a name
        return False


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not JSON: it is not text in UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
