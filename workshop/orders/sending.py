"""Send an event manually: to the bus, or to one function."""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orderflow import contract
from orderflow.clock import utc_now
from orderflow.errors import InvalidEventError
from workshop.deployment.stack import Stack, function_name
from workshop.errors import UsageError, WorkshopError

FIELDS = ("source", "detail-type", "detail")
"""The fields of an event that its sender decides."""

PREFIX = "sent-"
"""Begins the id of an order that begins with an event that is sent manually."""

_TIMES = ("occurred_at", "placed_at")


def templates() -> dict[str, Path]:
    """Return the contracts' examples by name, such as `PaymentProcessed declined`."""
    found = {}
    for path in sorted(contract.CONTRACTS.glob("*/v*.example.json")):
        version, *kind, _, _ = path.name.split(".")
        newest = version == f"v{contract.versions(path.parent.name)[-1]}"
        words = (path.parent.name, *(() if newest else (version,)), *kind)
        found[" ".join(words)] = path
    return found


def from_template(name: str) -> dict[str, Any]:
    """Return a contract's example with a new order id and the present time.

    Raises:
        UsageError: There is no such template.
    """
    if (path := templates().get(name)) is None:
        raise UsageError(f"There is no template {name!r}: {', '.join(templates())}.")
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return with_new_order(event)


def with_new_order(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a new order: every id that has the order's id gets a new one.

    Args:
        event: The event; its times become the present time.
    """
    old = order_id(event)
    new, now = f"{PREFIX}{uuid.uuid4().hex[:12]}", utc_now()

    def changed(value: Any, name: str = "") -> Any:
        if isinstance(value, Mapping):
            return {key: changed(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        if name in _TIMES:
            return now
        if old and isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
            return f"{new}{value[len(old) :]}"
        return value

    return {name: changed(event.get(name), name) for name in FIELDS}


def order_id(event: Any) -> str:
    """Return the order's id of an event; empty if it has none."""
    for name in ("detail", "metadata", "correlation_id"):
        event = event.get(name) if isinstance(event, Mapping) else None
    return event if isinstance(event, str) else ""


def parse(text: str) -> dict[str, Any]:
    """Return the event in a JSON text.

    Raises:
        UsageError: It cannot be sent, because it is not JSON or lacks a field; the message says
            where.
    """
    try:
        event = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise UsageError("This JSON is too deep.") from None
    except ValueError:
        raise UsageError("This JSON has a number that is too long.") from None
    if not isinstance(event, dict) or set(event) != set(FIELDS):
        raise UsageError(f"The event must be an object with the fields {', '.join(FIELDS)} only.")
    for name in ("source", "detail-type"):
        if not isinstance(event[name], str) or not event[name]:
            raise UsageError(f"{name} must be a text that is not empty.")
    if not isinstance(event["detail"], dict):
        raise UsageError("detail must be an object.")
    return event


def _refuse_constant(name: str) -> None:
    raise UsageError(f"{name} is not JSON.")


def violations(event: Mapping[str, Any]) -> list[str]:
    """Return every way in which an event breaks its contract, each with its path.

    Args:
        event: An event of `parse`.
    """
    event_type, detail = event["detail-type"], event["detail"]
    if event_type not in contract.types():
        return [f"detail-type must be one of {', '.join(sorted(contract.types()))}"]
    metadata = detail.get("metadata")
    version = metadata.get("schema_version") if isinstance(metadata, dict) else None
    known = contract.versions(event_type)
    if type(version) is not int or version not in known:  # neither true nor 1.0
        version = known[-1]
    path = contract.CONTRACTS / event_type / f"v{version}.schema.json"
    found = [f"detail: {each}" for each in contract.violations(path, detail)]
    if event["source"] != contract.source(event_type):
        found.insert(0, f"source must be {contract.source(event_type)}")
    if not found:
        try:
            contract.parse(event)
        except InvalidEventError as error:
            found.append(str(error))
    return found


def put_on_bus(stack: Stack, event: Mapping[str, Any]) -> str:
    """Put an event on the stack's bus and return EventBridge's id of it.

    Raises:
        WorkshopError: The bus refused it.
    """
    entry = {
        "EventBusName": stack.outputs.event_bus_name,
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
    }
    response = stack.client("events").put_events(Entries=[entry])
    (result,) = response["Entries"]
    if response["FailedEntryCount"]:
        raise WorkshopError(
            f"The bus refused the event: {result.get('ErrorCode')}: {result.get('ErrorMessage')}"
        )
    return str(result["EventId"])


def invoke(stack: Stack, key: str, event: Mapping[str, Any]) -> str:
    """Invoke one function asynchronously with an event, and return the id in its envelope.

    Args:
        stack: Where.
        key: The function's key.
        event: The event.

    Raises:
        UsageError: The stack has no such function.
    """
    function_name(stack, key)
    event_id = str(uuid.uuid4())
    envelope = {
        "version": "0",
        "id": event_id,
        "account": stack.target.account,
        "time": f"{utc_now()[:19]}Z",
        "region": stack.target.region,
        "resources": [],
        **event,
    }
    stack.client("lambda").invoke(
        FunctionName=stack.invokable(key),
        InvocationType="Event",
        Payload=json.dumps(envelope).encode(),
    )
    return event_id
