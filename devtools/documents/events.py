"""The events of the flow as the repository defines them: schemas, examples, senders, receivers."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orderflow import contract
from workshop.event_patterns import matches
from workshop.paths import in_stages
from workshop.stages import flow

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
        handler: The function that Lambda calls, such as `payment_service.handler.refund`.
        does: What it does, in a few words.
        stage: Its folder, such as `02-payment`.
        sends: The type of the events it may publish; None: none.
        pattern: The pattern of the events that it receives; None: none.
    """

    key: str
    handler: str
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
        name: The example's file without its ending, such as `v1.declined`.
    """

    type: str
    version: int
    step: str
    status: str | None
    example: Schema
    name: str

    @property
    def is_newest(self) -> bool:
        """Return whether its version is the newest of its type."""
        return self.version == contract.versions(self.type)[-1]

    @property
    def key(self) -> str:
        """Return its name in documents: the step, and the version of one that is not the newest."""
        return self.step if self.is_newest else f"{self.step}-v{self.version}"

    @property
    def label(self) -> str:
        """Return the type, and which of its kinds if there are several."""
        return f"{self.type}: {self.status}" if self.status else self.type

    @property
    def cause(self) -> str | None:
        """Return the step before it; None at the start of the flow."""
        cause = self.example["detail"]["metadata"]["causation_id"]
        return cause.rpartition("/")[2] if cause else None


@cache
def functions() -> tuple[Function, ...]:
    """Return the functions that publish or receive events, stage by stage, as in Terraform."""
    found = [
        function
        for path in in_stages("terraform/*.tf")
        for function in _functions(path)
        if function.sends or function.pattern
    ]
    return tuple(found)


@cache
def variants() -> tuple[Variant, ...]:
    """Return every kind of event in its type's newest version, in the order of the flow."""
    return tuple(each for each in _variants() if each.is_newest)


@cache
def older() -> tuple[Variant, ...]:
    """Return the kinds of events in older versions: they still come, and are understood."""
    return tuple(each for each in _variants() if not each.is_newest)


def _variants() -> tuple[Variant, ...]:
    found = [
        _variant(event_type, path)
        for event_type in contract.types()
        for path in sorted((contract.CONTRACTS / event_type).glob("v*.example.json"))
    ]
    first: dict[str, int] = {}
    for each in found:
        place = flow().steps.index(each.step)
        first[each.type] = min(place, first.get(each.type, place))
    return tuple(sorted(found, key=lambda each: (first[each.type], _when(each))))


def types() -> list[str]:
    """Return the event types in the order of the flow."""
    return list(dict.fromkeys(each.type for each in variants()))


def of_type(event_type: str) -> list[Variant]:
    """Return the kinds of an event type, in its newest version."""
    return [each for each in variants() if each.type == event_type]


@cache
def receivers(variant: Variant) -> list[Function]:
    """Return the functions whose pattern matches an event."""
    return [
        each
        for each in functions()
        if each.pattern is not None and matches(each.pattern, variant.example)
    ]


@cache
def senders(variant: Variant) -> list[Function]:
    """Return the functions that publish an event: they may, and they receive the one before it."""
    may = [each for each in functions() if each.sends == variant.type]
    if variant.cause is None:
        return may
    causes = [each for each in variants() if each.step == variant.cause]
    return [each for each in may if any(each in receivers(cause) for cause in causes)]


@cache
def schema(event_type: str, version: int) -> Schema:
    """Return an event type's schema, with the shared definitions inside it."""
    return contract.schema(contract.CONTRACTS / event_type / f"v{version}.schema.json")


def own_parts(event_type: str, version: int) -> list[str]:
    """Return the names of an event's parts beside the order, such as `payment`."""
    data = schema(event_type, version)["properties"]["data"]
    return [name for name in data["properties"] if name != "order"]


def resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return a schema with its referenced definition inserted; its own keywords win."""
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
                handler=_quoted("handler", module) or "",
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
    name = path.name.removesuffix(".example.json")
    return Variant(event_type, version, step, status, example, name)


def _when(variant: Variant) -> tuple[int, int]:
    """Return the sort key of a kind in its type: by version, then in the schema's order."""
    for part in own_parts(variant.type, variant.version):
        node = schema(variant.type, variant.version)["properties"]["data"]["properties"][part]
        kinds = node.get("properties", {}).get("status", {}).get("enum", [])
        if variant.status in kinds:
            return variant.version, kinds.index(variant.status)
    return variant.version, 0
