"""The contract: which events there are, who sends them, and what they must look like.

The schemas are the files beside this one, `contracts/<event type>/v<version>.schema.json`. A new
event type is a new folder: nothing else lists the types. A schema's `x-source` names the only
source of its events.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from orderflow.errors import InvalidEventError
from orderflow.event import Event
from orderflow.upcast import newest
from orderflow.validators import validator
from orderflow.violation import Violation, Violations

CONTRACTS = Path(__file__).parent / "contracts"

_SHARED = re.compile(r"[./\w-]*common\.v1\.json#")
"""How a schema refers to what it shares with others, from wherever its file is."""

_PLAIN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,39}")
"""A property that may be named in a message: any other might be personal."""
_NAMED = 5
"""Unknown properties that a message names at most."""


def parse(raw: Any) -> Event:
    """Return the event inside EventBridge's envelope, in the newest version of its type.

    An event is checked against the schema of the version in which it was sent.

    Raises:
        InvalidEventError: The envelope or its detail breaks the contract. The message names the
            field and the rule, never the value, which may be personal.
    """
    event_type = raw.get("detail-type") if isinstance(raw, dict) else None
    if not isinstance(event_type, str) or event_type not in types():
        raise InvalidEventError("not an event of the order flow: its detail-type is unknown")
    if raw.get("source") != source(event_type):
        raise InvalidEventError(f"{event_type} comes from {source(event_type)} only")
    event = Event(event_type, raw.get("detail"))
    validate(event)
    return newest(event)


def validate(event: Event) -> None:
    """Check an event's detail against the schema of its version.

    Raises:
        InvalidEventError: As for `parse`.
    """
    version = _version(event)
    found = violations(_schema_path(event.type, version), event.detail)
    if found:
        raise InvalidEventError(f"{event.type} v{version}: {found[0]}")
    _check_numbers(event)
    order_id = event.order["order_id"]
    if event.correlation_id != order_id:
        raise InvalidEventError(f"{event.type}: correlation_id is not the order's id")
    if event.event_id.rpartition("/")[0] != order_id:
        raise InvalidEventError(f"{event.type}: event_id does not begin with the order's id")


@cache
def _schema_path(event_type: str, version: int) -> Path:
    return CONTRACTS / event_type / f"v{version}.schema.json"


@cache
def types() -> frozenset[str]:
    """Return the event types: each has a folder with its schemas; a folder without is no type."""
    return frozenset(path.parent.name for path in CONTRACTS.glob("*/v*.schema.json"))


@cache
def source(event_type: str) -> str:
    """Return the only source that sends an event type, from `x-source` of its newest schema."""
    newest = versions(event_type)[-1]
    return str(_read(CONTRACTS / event_type / f"v{newest}.schema.json")["x-source"])


@cache
def versions(event_type: str) -> tuple[int, ...]:
    """Return the versions of an event type that there is a schema for, oldest first."""
    names = (CONTRACTS / event_type).glob("v*.schema.json")
    return tuple(sorted(int(path.name.split(".")[0][1:]) for path in names))


def schema(path: Path) -> dict[str, Any]:
    """Return a JSON Schema with the definitions it shares with others put inside it."""
    common = json.loads((CONTRACTS / "common.v1.json").read_text("utf-8"))
    loaded = _read(path)
    return {**loaded, "definitions": common["definitions"] | loaded.get("definitions", {})}


@cache
def _read(path: Path) -> dict[str, Any]:
    """Read a schema's file once; what it shares with others is expected inside it."""
    loaded: dict[str, Any] = json.loads(_SHARED.sub("#", path.read_text("utf-8")))
    return loaded


def violations(path: Path, value: Any) -> list[str]:
    """Return every way in which a value breaks a schema: the field and the rule, never the value.

    Args:
        path: The schema's file.
        value: Any JSON value.
    """
    try:
        validator(path)(value)
    except Violations as error:
        return [_readable(each) for each in error.errors]
    return []


def _readable(violation: Violation) -> str:
    """Return a violation in words: a pattern by its description, unknown properties by name."""
    if violation.rule == "additionalProperties" and isinstance(violation.value, dict):
        known = violation.definition.get("properties", {})
        message = _not_belonging(violation.value.keys() - known.keys())
    elif violation.rule == "pattern" and "description" in violation.definition:
        message = f"must be: {violation.definition['description']}"
    else:
        return str(violation.message).removeprefix("data").lstrip(". ")
    return f"{str(violation.name).removeprefix('data').removeprefix('.')} {message}".lstrip()


def _not_belonging(unknown: set[str]) -> str:
    """Say that properties do not belong there; name those that look like a property."""
    named = sorted(name for name in unknown if _PLAIN_NAME.fullmatch(name))[:_NAMED]
    message = "has properties that do not belong there"
    if not named:
        return message
    return f"{message}: {', '.join(named)}{', and others' if len(named) < len(unknown) else ''}"


def _check_numbers(event: Event) -> None:
    """Refuse what a schema cannot see: 1.0 for 1, and sums that do not add up."""
    if _has_fraction(event.detail):
        field = _fraction(event.detail)
        raise InvalidEventError(f"{event.type}: {field} must be written without a fraction")
    order = event.order
    if sum(line["quantity"] * line["unit_price"] for line in order["lines"]) != order["total"]:
        raise InvalidEventError(f"{event.type}: the order's total is not the sum of its lines")
    if event.type == "PaymentProcessed" and event.part("payment")["status"] == "SUCCEEDED":
        payment = event.part("payment")
        if (payment["amount"], payment["currency"]) != (order["total"], order["currency"]):
            raise InvalidEventError(f"{event.type}: the payment is not the order's total")


def _has_fraction(value: Any) -> bool:
    """Return whether there is a number with a fraction: of every event, so without its path."""
    if isinstance(value, dict):
        return any(map(_has_fraction, value.values()))
    if isinstance(value, list):
        return any(map(_has_fraction, value))
    return isinstance(value, float)


def _fraction(value: Any, path: str = "detail") -> str | None:
    """Return the path of the first number with a fraction, or None."""
    if isinstance(value, float):
        return path
    if isinstance(value, dict):
        inner = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return None
    return next((found for where, item in inner if (found := _fraction(item, where))), None)


def _version(event: Event) -> int:
    try:
        version = event.detail["metadata"]["schema_version"]
    except (KeyError, TypeError):
        raise InvalidEventError(f"{event.type}: metadata.schema_version is missing") from None
    known = versions(event.type)
    if isinstance(version, bool) or version not in known:
        has = ", ".join(map(str, known)) or "none"
        raise InvalidEventError(f"{event.type}: no schema of this schema_version; there is {has}")
    return int(version)
