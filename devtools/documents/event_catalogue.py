"""The event catalogue's generated parts: the contract in tables."""

import html
import json
import os
from pathlib import Path
from typing import Any

from devtools.documents import events
from devtools.documents.events import PERSONAL, Function, Schema, Variant
from orderflow import contract
from workshop.errors import UsageError
from workshop.paths import ROOT

READY = ROOT / "docs/events"
"""Every kind of event, ready for `aws events put-events`."""

_LONGEST_PATTERN = 60
"""Characters of a pattern that a table still shows."""

Row = list[str]


def part(name: str, *, page: Path) -> str:
    """Return a part of the catalogue as Markdown.

    Args:
        name: `overview`, `kinds`, `metadata`, `order`, or `types`.
        page: the page of the part, from where links lead.

    Raises:
        UsageError: There is no such part.
    """
    match name:
        case "overview":
            return _overview(page)
        case "kinds":
            return _kinds()
        case "metadata" | "order":
            return _shared(name)
        case "types":
            sections = (f"## {each}\n\n{_type(each, page)}" for each in events.types())
            return "\n\n".join(sections)
    parts = ("overview", "kinds", "metadata", "order", "types")
    raise UsageError(f"there is no part {name!r} of the catalogue: {', '.join(parts)}")


def ready_files() -> dict[Path, str]:
    """Return the files that `aws events put-events` takes, one for each kind of event."""
    kinds = (*events.variants(), *events.older())
    return {READY / f"{each.key}.json": _ready(each) for each in kinds}


def _ready(variant: Variant) -> str:
    entry = {
        "Source": variant.example["source"],
        "DetailType": variant.example["detail-type"],
        "Detail": json.dumps(variant.example["detail"], separators=(",", ":")),
        "EventBusName": "orderflow-bus",
    }
    return json.dumps([entry], indent=2) + "\n"


def _overview(page: Path) -> str:
    rows = [
        [
            f"[{each.type}](#{each.type.lower()})" + (f" `{each.status}`" if each.status else ""),
            _named(events.senders(each), page),
            _named(events.receivers(each), page),
            _link(f"{each.step}.json", READY / f"{each.step}.json", page),
        ]
        for each in events.variants()
    ]
    return _table(["event", "published by", "received by", "ready to send"], rows)


def _kinds() -> str:
    """Return the meanings of the names in the tables' second columns."""
    rows = []
    for name, node in _definitions().items():
        if node["type"] == "object":
            continue
        rows.append([f"`{name}`", _rule(node), _meaning(node)])
    return _table(["kind of value", "must be", "meaning"], rows)


def _shared(name: str) -> str:
    first = events.variants()[0].example["detail"]
    example = {"metadata": first["metadata"], "order": first["data"]["order"]}[name]
    node = _definitions()[name]
    return _field_table(_rows("", node, _definitions(), [example]))


def _type(event_type: str, page: Path) -> str:
    kinds = events.of_type(event_type)
    newest = contract.versions(event_type)[-1]
    schema = events.schema(event_type, newest)
    data = schema["properties"]["data"]["properties"]
    parts = events.own_parts(event_type, newest)
    examples = [each.example["detail"]["data"] for each in kinds]
    rows = [
        row
        for part in parts
        for row in _rows(
            f"{part}.", data[part], schema["definitions"], [each[part] for each in examples]
        )
    ]
    return "\n\n".join(
        [
            schema["description"],
            _which(kinds, page),
            f"Its own part, {' and '.join(f'`data.{part}`' for part in parts)}:",
            _field_table(rows),
            f"**Personal data:** {_personal(parts)}.",
            f"**Versions:** {_versions(event_type, page)}.",
        ]
    )


def _which(kinds: list[Variant], page: Path) -> str:
    rows = [
        [
            f"`{each.status}`" if each.status else "",
            f"`{each.cause}`" if each.cause else "a customer's order",
            _named(events.senders(each), page),
            _named(events.receivers(each), page),
            _link(f"{each.step}.json", READY / f"{each.step}.json", page)
            + f" ([readable]({_path(_example(each), page)}))",
        ]
        for each in kinds
    ]
    head = ["status", "follows on", "published by", "received by", "ready to send"]
    first = 0 if any(each.status for each in kinds) else 1
    return _table(head[first:], [row[first:] for row in rows])


def _example(variant: Variant) -> Path:
    return next(
        path
        for path in sorted((contract.CONTRACTS / variant.type).glob("v*.example.json"))
        if json.loads(path.read_text("utf-8")) == variant.example
    )


def _versions(event_type: str, page: Path) -> str:
    *earlier, newest = (
        _link(f"{number}", contract.CONTRACTS / event_type / f"v{number}.schema.json", page)
        for number in contract.versions(event_type)
    )
    if not earlier:
        return newest
    ready = (
        _link(f"{each.key}.json", READY / f"{each.key}.json", page)
        for each in events.older()
        if each.type == event_type
    )
    return f"{newest}. Consumers also accept {', '.join(earlier)}: {', '.join(ready)}"


def _personal(parts: list[str]) -> str:
    fields = [
        f"`{path}` ({what})"
        for path, what in PERSONAL.items()
        if path.partition(".")[0] in {"order", *parts}
    ]
    return ", ".join(fields)


def _definitions() -> dict[str, Schema]:
    first = events.variants()[0]
    definitions: dict[str, Schema] = events.schema(first.type, first.version)["definitions"]
    return definitions


def _field_table(rows: list[Row]) -> str:
    return _table(["field", "kind of value", "meaning", "example"], rows)


def _rows(
    prefix: str, node: Schema, definitions: dict[str, Schema], examples: list[Any]
) -> list[Row]:
    """Return a line for each field of an object, and of the objects inside it."""
    node = events.resolved(node, definitions)
    rows: list[Row] = []
    for name, field in node["properties"].items():
        whole = events.resolved(field, definitions)
        found = [each[name] for each in examples if name in each]
        optional = "" if name in node.get("required", []) else " (not always)"
        meaning = _meaning(whole)
        inner, suffix, values = whole, "", found
        if whole.get("type") == "array":
            inner = events.resolved(whole["items"], definitions)
            suffix, values = "[]", [item for each in found for item in each]
        if inner.get("type") == "object":
            kind = "object" if not suffix else _many(whole, "objects")
            rows.append([f"`{prefix}{name}`{optional}", kind, meaning, ""])
            rows += _rows(f"{prefix}{name}{suffix}.", inner, definitions, values)
            continue
        kind = _kind(whole["items"], definitions) if suffix else _kind(field, definitions)
        kind = _many(whole, kind) if suffix else kind
        example = f"`{json.dumps(found[0], ensure_ascii=False)}`" if found else ""
        rows.append([f"`{prefix}{name}`{optional}", kind, meaning, example])
    return rows


def _kind(node: Schema, definitions: dict[str, Schema]) -> str:
    """Return the name of a kind of value that others share, or the rule itself."""
    if "anyOf" in node:
        return " or ".join(_kind(each, definitions) for each in node["anyOf"])
    name = node.get("$ref", "").rpartition("/")[2]
    return f"`{name}`" if name else _rule(node)


def _meaning(node: Schema) -> str:
    return html.escape(node.get("description", ""), quote=False)


def _many(node: Schema, what: str) -> str:
    return f"list of {node['minItems']} to {node['maxItems']} {what}"


def _rule(node: Schema) -> str:
    """Return the rule of a value, in words."""
    if "enum" in node:
        always = "always " if len(node["enum"]) == 1 else ""
        return always + " or ".join(f"`{each}`" for each in node["enum"])
    if "pattern" in node:
        short = len(node["pattern"]) <= _LONGEST_PATTERN
        return f"text like `{node['pattern']}`" if short else "text; its schema has the pattern"
    if "minLength" in node:
        return f"text of {node['minLength']} to {node['maxLength']} characters"
    if "minimum" in node:
        return f"whole number from {node['minimum']} to {node['maximum']}"
    return f"`{node['type']}`"


def _named(functions: list[Function], page: Path) -> str:
    return ", ".join(
        _link(f"`{each.key}`", ROOT / each.stage / "README.md", page) for each in functions
    )


def _link(text: str, target: Path, page: Path) -> str:
    return f"[{text}]({_path(target, page)})"


def _path(target: Path, page: Path) -> str:
    return Path(os.path.relpath(target, page.parent)).as_posix()


def _table(head: Row, rows: list[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
