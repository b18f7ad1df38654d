"""The contract: which events there are, who sends them, and what they must look like.

The schemas are the files beside this one, `contracts/<event type>/v<version>.schema.json`.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from orderflow.errors import InvalidEventError
from orderflow.event import Event

PRODUCERS = {
    "OrderCreated": "orderflow.order",
    "PaymentProcessed": "orderflow.payment",
    "InventoryUpdated": "orderflow.inventory",
    "ShipmentPrepared": "orderflow.shipping",
}
"""Event type → the only source that sends it."""

CONTRACTS = Path(__file__).parent / "contracts"

_SHARED = re.compile(r"[./\w-]*common\.v1\.json#")
"""How a schema refers to what it shares with others, from wherever its file is."""

_UNKNOWN = re.compile(r"must not contain \{.*\} properties", re.DOTALL)


def parse(raw: Any) -> Event:
    """Return the event inside EventBridge's envelope.

    Raises:
        InvalidEventError: The envelope or its detail breaks the contract. The message names the
            field and the rule, never the value, which may be personal.
    """
    event_type = raw.get("detail-type") if isinstance(raw, dict) else None
    if not isinstance(event_type, str) or event_type not in PRODUCERS:
        raise InvalidEventError("not an event of the order flow: its detail-type is unknown")
    if raw.get("source") != PRODUCERS[event_type]:
        raise InvalidEventError(f"{event_type} comes from {PRODUCERS[event_type]} only")
    event = Event(event_type, raw.get("detail"))
    validate(event)
    return event


def validate(event: Event) -> None:
    """Check an event's detail against the schema of its version.

    Raises:
        InvalidEventError: As for `parse`.
    """
    version = _version(event)
    try:
        _validator(event.type, version)(event.detail)
    except fastjsonschema.JsonSchemaValueException as error:
        raise InvalidEventError(f"{event.type} v{version}: {readable(error.message)}") from None
    _check_numbers(event)
    order_id = event.order["order_id"]
    if event.correlation_id != order_id:
        raise InvalidEventError(f"{event.type}: correlation_id is not the order's id")
    if event.event_id.rpartition("/")[0] != order_id:
        raise InvalidEventError(f"{event.type}: event_id does not begin with the order's id")


@cache
def versions(event_type: str) -> tuple[int, ...]:
    """Return the versions of an event type that there is a schema for, oldest first."""
    names = (CONTRACTS / event_type).glob("v*.schema.json")
    return tuple(sorted(int(path.name.split(".")[0][1:]) for path in names))


def schema(path: Path) -> dict[str, Any]:
    """Return a JSON Schema with the definitions it shares with others put inside it."""
    common = json.loads((CONTRACTS / "common.v1.json").read_text("utf-8"))
    text = _SHARED.sub("#", path.read_text("utf-8"))
    loaded: dict[str, Any] = json.loads(text)
    return {**loaded, "definitions": common["definitions"] | loaded.get("definitions", {})}


def readable(message: str) -> str:
    """Return a validator's message without its own variable, and without names it was sent."""
    message = _UNKNOWN.sub("has properties that do not belong there", message)
    return message.removeprefix("data.").removeprefix("data ")


def _check_numbers(event: Event) -> None:
    """Refuse what a schema cannot see: 1.0 for 1, and sums that do not add up."""
    field = _fraction(event.detail)
    if field:
        raise InvalidEventError(f"{event.type}: {field} must be written without a fraction")
    order = event.order
    if sum(line["quantity"] * line["unit_price"] for line in order["lines"]) != order["total"]:
        raise InvalidEventError(f"{event.type}: the order's total is not the sum of its lines")
    if event.type == "PaymentProcessed" and event.part("payment")["status"] == "SUCCEEDED":
        payment = event.part("payment")
        if (payment["amount"], payment["currency"]) != (order["total"], order["currency"]):
            raise InvalidEventError(f"{event.type}: the payment is not the order's total")


def _fraction(value: Any, path: str = "detail") -> str | None:
    """Return where a number with a fraction stands, or None."""
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
    if isinstance(version, bool) or version not in versions(event.type):
        raise InvalidEventError(f"{event.type}: there is no such schema_version")
    return int(version)


@cache
def _validator(event_type: str, version: int) -> Callable[[Any], Any]:
    # Compiled on first use: a function pays only for the events it meets.
    compiled: Callable[[Any], Any] = fastjsonschema.compile(
        schema(CONTRACTS / event_type / f"v{version}.schema.json")
    )
    return compiled
