"""The event catalogue and the AsyncAPI document say what the contract says, no more, no less."""

import re

import jsonschema
import pytest
import yaml

from devtools.documents import asyncapi, event_catalogue, events
from orderflow import contract
from tests.fixtures.events import examples
from workshop.errors import UsageError
from workshop.paths import ROOT

PAGE = ROOT / "docs/events/README.md"
DOCUMENT = ROOT / "docs/asyncapi.yaml"
EXAMPLES = dict(examples())

PUBLISHED = {
    "order-api": {"order-created"},
    "payment": {"payment-succeeded", "payment-declined"},
    "payment-refund": {"payment-refunded"},
    "inventory": {"stock-reserved", "out-of-stock"},
    "shipping": {"shipment-prepared"},
    "reconciler": {"order-created"},
}
"""Function → the steps of the events that its code publishes."""

CONSUMERS = {path.stem for path in ROOT.glob("0*/terraform/patterns/*.json")}


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(DOCUMENT.read_text("utf-8"))


def inside(node, path="#"):
    """Every node of a document with its address."""
    yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items if isinstance(node, dict | list) else ():
        if isinstance(value, dict | list):
            yield from inside(value, f"{path}/{key}")


def looked_up(document, address):
    """What a reference leads to."""
    node = document
    for name in address.removeprefix("#/").split("/"):
        node = node[name]
    return node


def steps(document, operation):
    """The steps of the events an operation names."""
    found = document["operations"].get(operation, {"messages": []})["messages"]
    return {each["$ref"].rpartition("/")[2].partition(".")[0] for each in found}


def test_every_example_is_a_kind_of_event():
    """Nothing in the contract is left out, and nothing is told twice."""
    told = [(each.type, each.example) for each in events.variants()]
    assert len(told) == len(EXAMPLES)
    for name, raw in EXAMPLES.items():
        assert (name.partition("/")[0], raw) in told


def test_who_publishes_what():
    """Terraform and the examples' causes together say which function publishes which event."""
    found = {}
    for each in events.variants():
        for function in events.senders(each):
            found.setdefault(function.key, set()).add(each.step)
    assert found == PUBLISHED


def test_every_function_with_a_pattern_is_known():
    """Each pattern file belongs to a function that Terraform makes, and it receives something."""
    receiving = {f.key for each in events.variants() for f in events.receivers(each)}
    assert receiving == CONSUMERS
    assert {each.key for each in events.functions() if each.pattern} == CONSUMERS


def test_personal_data_is_where_it_is_said_to_be():
    """Each field said to tell of a person is one of the contract's."""
    for path in events.PERSONAL:
        part, _, field = path.partition(".")
        found = [each.example["detail"]["data"] for each in events.variants()]
        assert any(field in data.get(part, {}) for data in found), path


@pytest.mark.parametrize("event_type", sorted(contract.PRODUCERS))
def test_the_page_tells_every_field_of_an_event(event_type):
    """Each field of an event's own part has a line, with a value out of an example."""
    page = PAGE.read_text("utf-8")
    section = page.partition(f"## {event_type}\n")[2].partition("\n## ")[0]
    for each in events.of_type(event_type):
        assert f"{each.step}.json" in section
        for part in events.own_parts(event_type, each.version):
            for field in each.example["detail"]["data"][part]:
                assert f"| `{part}.{field}`" in section, f"{event_type}: {part}.{field} is missing"
        if each.status:
            assert f"| `{each.status}` |" in section


def test_the_page_is_up_to_date():
    """Each generated part says what it would say if it were made now."""
    page = PAGE.read_text("utf-8")
    parts = re.findall(r"<!-- catalogue: (\w+) -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert {name for name, _ in parts} >= {"overview", "metadata", "order", *contract.PRODUCERS}
    for name, text in parts:
        assert text.strip() == event_catalogue.region(name, PAGE).strip(), (
            f"{name} is stale: make docs"
        )


def test_an_unknown_part_is_refused():
    """A typing error in a page is told, with the parts there are."""
    with pytest.raises(UsageError, match="OrderCreated"):
        event_catalogue.region("OrderCreate", PAGE)


def test_the_document_is_up_to_date():
    """It is what the contract gives today, byte for byte, and the same each time."""
    assert asyncapi.document() == asyncapi.document()
    assert DOCUMENT.read_bytes() == asyncapi.document(), "docs/asyncapi.yaml is stale: make docs"


def test_every_reference_of_the_document_leads_somewhere(document):
    """No reference points to nothing, or out of the document."""
    references = [node["$ref"] for _, node in inside(document) if "$ref" in node]
    assert references
    for address in references:
        assert address.startswith("#/")
        assert looked_up(document, address)


def test_the_document_has_every_sender_and_every_receiver(document):
    """An operation for each side of each function, with exactly the events it has to do with."""
    for key, published in PUBLISHED.items():
        assert steps(document, f"{key}.send") == published
    for key in CONSUMERS:
        wanted = {
            each.step
            for each in events.variants()
            if key in {function.key for function in events.receivers(each)}
        }
        assert steps(document, f"{key}.receive") == wanted
    both = {f"{key}.send" for key in PUBLISHED} | {f"{key}.receive" for key in CONSUMERS}
    assert set(document["operations"]) == both


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_message_accepts_its_own_examples_and_no_others(name, document):
    """Each kind's payload is a schema that takes its example, and refuses those of other kinds."""
    step = EXAMPLES[name]["detail"]["metadata"]["event_id"].partition("/")[2]
    version = EXAMPLES[name]["detail"]["metadata"]["schema_version"]
    message = document["components"]["messages"][f"{step}.v{version}"]
    assert [each["payload"] for each in message["examples"]] == [EXAMPLES[name]]
    schema = {**message["payload"], "components": document["components"]}
    validator = jsonschema.Draft7Validator(schema)
    for other, raw in EXAMPLES.items():
        assert validator.is_valid(raw) == (other == name), f"{step} and {other}"


def spoilt(value):
    """Copies of a value, each with one thing wrong: a part of another type, or a field too many."""
    yield ["of another type"]
    if isinstance(value, dict):
        yield {**value, "unheard_of": 1}
        for key, inner in value.items():
            yield from ({**value, key: broken} for broken in spoilt(inner))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], broken, *value[index + 1 :]] for broken in spoilt(inner))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_document_loses_no_rule_of_the_contract(name, document):
    """What the contract's own schema refuses, the document's refuses, wherever the fault is."""
    detail = EXAMPLES[name]["detail"]
    step = detail["metadata"]["event_id"].partition("/")[2]
    version = detail["metadata"]["schema_version"]
    message = document["components"]["messages"][f"{step}.v{version}"]
    told = jsonschema.Draft7Validator({**message["payload"], "components": document["components"]})
    own = jsonschema.Draft7Validator(events.schema(name.partition("/")[0], version))
    refused = [each for each in spoilt(detail) if not own.is_valid(each)]
    assert len(refused) > 30
    for each in refused:
        assert not told.is_valid({**EXAMPLES[name], "detail": each})


def test_the_document_says_what_the_contract_says(document):
    """Each description of a schema stands in the document, word for word."""
    nodes = [node for _, node in inside(document) if isinstance(node, dict)]
    told = {node["description"] for node in nodes if isinstance(node.get("description"), str)}
    for event_type in contract.PRODUCERS:
        for version in contract.versions(event_type):
            schema = events.schema(event_type, version)
            for place, node in inside(schema):
                if isinstance(node, dict) and "description" in node:
                    assert node["description"] in told, f"{event_type}: {place}"
