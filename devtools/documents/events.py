"""The events of the flow as the repository defines them: schemas, examples, senders, receivers."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orderflow import contract
from workshop.paths import ROOT

Schema = dict[str, Any]

PERSONAL = {
    "order.customer_id": "a pseudonym: only the shop knows whose",
    "order.ship_to": "recipient and postal address",
    "payment_method.token": "stands for a means of payment",
}
"""What an event's data says of a person; JSON Schema has no word for it."""

_MODULE = re.compile(r'^module "\w+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_SHARED = re.compile(r"^  (\w+) = \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function that sends events or receives them.

    Attributes:
        key: Its short name, such as `payment-refund`.
        does: What it does, in a few words.
        stage: The folder that holds it, such as `02-payment`.
        sends: The type of the events it may publish; None for none.
        pattern: Which events it receives, as EventBridge's pattern; None for none.
    """

    key: str
    does: str
    stage: str
    sends: str | None
    pattern: Schema | None


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One kind of event of a type, by its example.

    Attributes:
        type: The event type, such as `PaymentProcessed`.
        version: The version of its schema.
        step: What has happened, such as `payment-declined`.
        status: What its own part says, such as `DECLINED`; None where there is but one kind.
        example: Source, detail-type and detail.
    """

    type: str
    version: int
    step: str
    status: str | None
    example: Schema

    @property
    def label(self) -> str:
        """The type, and which of its kinds if there are several."""
        return f"{self.type}: {self.status}" if self.status else self.type

    @property
    def cause(self) -> str | None:
        """The step that led to it; None where the journey begins."""
        cause = self.example["detail"]["metadata"]["causation_id"]
        return cause.rpartition("/")[2] if cause else None


@cache
def functions() -> tuple[Function, ...]:
    """Return the functions that have to do with events, stage by stage, as Terraform makes them."""
    found = [
        function
        for path in sorted(ROOT.glob("0*/terraform/*.tf"))
        for function in _functions(path)
        if function.sends or function.pattern
    ]
    return tuple(found)


@cache
def variants() -> tuple[Variant, ...]:
    """Return every kind of event there is an example of, in the order of an order's journey."""
    found = [
        _variant(event_type, path)
        for event_type in contract.PRODUCERS
        for path in sorted((contract.CONTRACTS / event_type).glob("v*.example.json"))
    ]
    return tuple(
        sorted(found, key=lambda each: (list(contract.PRODUCERS).index(each.type), _when(each)))
    )


def of_type(event_type: str) -> list[Variant]:
    """Return the kinds of an event type."""
    return [each for each in variants() if each.type == event_type]


@cache
def receivers(variant: Variant) -> list[Function]:
    """Return the functions whose pattern matches an event."""
    # EventBridge's matching, from a library; slow to import.
    from moto.events.models import EventPattern  # noqa: PLC0415

    def matches(pattern: Schema) -> bool:
        event: Any = variant.example
        return bool(EventPattern.load(json.dumps(pattern)).matches_event(event))

    return [each for each in functions() if each.pattern is not None and matches(each.pattern)]


@cache
def senders(variant: Variant) -> list[Function]:
    """Return the functions that publish an event: they may, and they receive what leads to it."""
    may = [each for each in functions() if each.sends == variant.type]
    if variant.cause is None:
        return may
    causes = [each for each in variants() if each.step == variant.cause]
    return [each for each in may if any(each in receivers(cause) for cause in causes)]


@cache
def schema(event_type: str, version: int) -> Schema:
    """Return an event type's schema, with what it shares with others inside it."""
    return contract.schema(contract.CONTRACTS / event_type / f"v{version}.schema.json")


def own_parts(event_type: str, version: int) -> list[str]:
    """Return the names of an event's parts beside the order, such as `payment`."""
    data = schema(event_type, version)["properties"]["data"]
    return [name for name in data["properties"] if name != "order"]


def resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return a schema with the definition it refers to put in; its own words win."""
    reference = node.get("$ref")
    if reference is None:
        return node
    own = {key: value for key, value in node.items() if key != "$ref"}
    return resolved(definitions[reference.rpartition("/")[2]], definitions) | own


def _functions(path: Path) -> list[Function]:
    text = path.read_text("utf-8")
    shared = dict(_SHARED.findall(text))
    folder = path.parent
    found = []
    for module in _MODULE.findall(text):
        key = _quoted("key", module)
        if key is None:
            continue
        named = re.search(r"^  publishes += local\.(\w+)", module, re.MULTILINE)
        body = module + (shared[named[1]] if named else "")
        pattern = re.search(r'path\.module}/(patterns/[\w-]+\.json)"', body)
        found.append(
            Function(
                key=key,
                does=_quoted("description", body) or "",
                stage=folder.parent.name,
                sends=_quoted("detail_type", body),
                pattern=json.loads((folder / pattern[1]).read_text("utf-8")) if pattern else None,
            )
        )
    return found


def _quoted(name: str, body: str) -> str | None:
    found = re.search(rf'^ +{name} += "([^"]*)"', body, re.MULTILINE)
    return found[1] if found else None


def _variant(event_type: str, path: Path) -> Variant:
    example = json.loads(path.read_text("utf-8"))
    version = int(path.name.split(".")[0].removeprefix("v"))
    definitions = schema(event_type, version)["definitions"]
    data = schema(event_type, version)["properties"]["data"]["properties"]
    status = None
    for part in own_parts(event_type, version):
        kinds = resolved(data[part], definitions)["properties"].get("status", {}).get("enum", [])
        if len(kinds) > 1:
            status = example["detail"]["data"][part]["status"]
    step = example["detail"]["metadata"]["event_id"].rpartition("/")[2]
    return Variant(event_type, version, step, status, example)


def _when(variant: Variant) -> tuple[int, int]:
    """Where a kind comes among its type's: by version, then as the schema names them."""
    for part in own_parts(variant.type, variant.version):
        node = schema(variant.type, variant.version)["properties"]["data"]["properties"][part]
        kinds = node.get("properties", {}).get("status", {}).get("enum", [])
        if variant.status in kinds:
            return variant.version, kinds.index(variant.status)
    return variant.version, 0
