"""The flow as an AsyncAPI 3.0 document: what any tool for event-driven APIs can read."""

from typing import Any

import yaml

from devtools.documents import events
from devtools.documents.events import Function, Variant
from orderflow import contract

BUS = "orderflow-bus"
TITLE = "orderflow"
_HEAD = """\
# Made from the schemas, examples, patterns and Terraform by `make docs`: change those, not this.
# To look at it: https://studio.asyncapi.com
"""
_ENVELOPE = {
    "type": "object",
    "required": ["source", "detail-type", "detail"],
    "description": (
        "EventBridge's envelope. What EventBridge adds by itself (id, time, account, region) is "
        "left out: nobody here reads it."
    ),
}

Node = dict[str, Any]


def document() -> bytes:
    """Return the document, as YAML in UTF-8."""
    text = yaml.dump(contents(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return (_HEAD + text).encode()


def contents() -> Node:
    """Return the document as plain values."""
    kinds = events.variants()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": f"{max(each.version for each in kinds)}.0.0",
            "description": (
                "An order's way from its placing to its shipment. Functions know the events, and "
                "nothing of each other. Every event may come twice, late, or out of order: "
                "event_id tells a repeated one."
            ),
            "license": {"name": "MIT"},
            "tags": [{"name": folder} for folder in _folders()],
        },
        "defaultContentType": "application/json",
        "channels": {
            "bus": {
                "address": BUS,
                "title": "The event bus",
                "description": (
                    "One EventBridge bus for all events. A rule for each consumer picks what it "
                    "receives: events are published, never sent to anybody."
                ),
                "messages": {_name(each): _ref("messages", _name(each)) for each in kinds},
            }
        },
        "operations": {
            name: operation
            for function in events.functions()
            for name, operation in _operations(function)
        },
        "components": {
            "messages": {_name(each): _message(each) for each in kinds},
            "schemas": _schemas(),
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: an alias would be one more thing to know."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _folders() -> list[str]:
    return sorted({each.stage for each in events.functions()})


def _name(variant: Variant) -> str:
    return f"{variant.step}.v{variant.version}"


def _ref(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _operations(function: Function) -> list[tuple[str, Node]]:
    """What a function receives and sends, each an operation."""
    received = [each for each in events.variants() if function in events.receivers(each)]
    sent = [each for each in events.variants() if function in events.senders(each)]
    return [
        (
            f"{function.key}.{action}",
            {
                "action": action,
                "title": f"{function.key} {action}s",
                "summary": f"{function.does}.",
                "channel": {"$ref": "#/channels/bus"},
                "tags": [{"name": function.stage}],
                "messages": [
                    {"$ref": f"#/channels/bus/messages/{_name(each)}"} for each in messages
                ],
            },
        )
        for action, messages in (("receive", received), ("send", sent))
        if messages
    ]


def _message(variant: Variant) -> Node:
    envelope = _ref("schemas", f"{variant.type}.v{variant.version}")
    narrowed = {"allOf": [envelope, _narrow(variant)]} if variant.status else envelope
    return {
        "name": variant.type,
        "title": variant.label,
        "summary": events.schema(variant.type, variant.version)["description"],
        "contentType": "application/json",
        "correlationId": {
            "description": "The order's id: the same in every event of its journey.",
            "location": "$message.payload#/detail/metadata/correlation_id",
        },
        "payload": narrowed,
        "examples": [{"name": variant.step, "payload": variant.example}],
    }


def _narrow(variant: Variant) -> Node:
    """The type's schema holds for all its kinds; this says which one."""
    node: Node = {"const": variant.status}
    own = next(
        part
        for part in events.own_parts(variant.type, variant.version)
        if "status" in variant.example["detail"]["data"][part]
    )
    for name in ("status", own, "data", "detail"):
        node = {"properties": {name: node}}
    return node


def _schemas() -> Node:
    """The contract's schemas, each shared definition under a name of its own."""
    shared: Node = {}
    whole: Node = {}
    for each in events.variants():
        name = f"{each.type}.v{each.version}"
        if name in whole:
            continue
        full = dict(events.schema(each.type, each.version))
        shared |= full.pop("definitions")
        del full["$schema"]
        whole[name] = {
            **_ENVELOPE,
            "title": each.type,
            "properties": {
                "source": {"const": contract.PRODUCERS[each.type]},
                "detail-type": {"const": each.type},
                "detail": _with_components(full),
            },
        }
    return whole | {f"common.{name}": _with_components(node) for name, node in shared.items()}


def _with_components(node: Any) -> Any:
    """A schema whose references lead into this document, and keep the words beside them."""
    if isinstance(node, list):
        return [_with_components(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _with_components(value) for key, value in node.items()}
    target = _ref("schemas", f"common.{node['$ref'].rpartition('/')[2]}")
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**beside, "allOf": [target]} if beside else target
