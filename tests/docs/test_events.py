"""The event catalogue and the AsyncAPI document agree with the contract."""

import json
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse
from urllib.request import url2pathname

import jsonschema
import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT7

from devtools.documents import events
from orderflow import contract
from tests.fixtures.events import examples
from workshop.paths import ROOT, SERVICE_STAGES, in_stages
from workshop.stages import flow

PAGE = ROOT / "docs/events/README.md"
DOCUMENT = ROOT / "docs/asyncapi.yaml"
EXAMPLES = dict(examples())

PUBLISHED = {key: set(each.publishes) for key, each in flow().functions.items() if each.publishes}
"""Function → the steps of the events that it publishes, as `stage.toml` says."""

EVERY_VERSION = (*events.variants(), *events.older())

CONSUMERS = {path.stem for path in in_stages("terraform/patterns/*.json")}


def test_every_example_is_a_kind_of_event():
    """Nothing in the contract is left out, and nothing is there twice."""
    found = [(each.type, each.example) for each in EVERY_VERSION]
    assert len(found) == len(EXAMPLES)
    for name, raw in EXAMPLES.items():
        assert (name.partition("/")[0], raw) in found


def test_who_publishes_what():
    """Terraform and the examples' causes together say which function publishes which event."""
    found = {}
    for each in events.variants():
        for function in events.senders(each):
            found.setdefault(function.key, set()).add(each.step)
    assert found == PUBLISHED


def test_the_dashboard_counts_the_steps_that_functions_publish():
    """Each function passes Terraform the steps that its `stage.toml` says."""
    counted = {}
    for path in in_stages("terraform/main.tf", SERVICE_STAGES):
        for block in path.read_text("utf-8").split("\nmodule ")[1:]:
            key = re.search(r'^  key += "([a-z-]+)"', block, re.MULTILINE)[1]
            steps = re.search(r"^  steps +=( \[.*\])", block, re.MULTILINE)
            counted[key] = tuple(json.loads(steps[1])) if steps else ()
    assert counted == {key: flow().functions[key].publishes for key in counted}
    assert len(counted) == len(CONSUMERS) + 1  # and the order API, which no event invokes


def test_every_function_with_a_pattern_is_known():
    """Each pattern file belongs to a function that Terraform makes, and it receives something."""
    receiving = {f.key for each in events.variants() for f in events.receivers(each)}
    assert receiving == CONSUMERS
    assert {each.key for each in events.functions() if each.pattern} == CONSUMERS


def test_personal_data_is_where_it_is_said_to_be():
    """Each field said to tell of a person is one of the contract's."""
    for path in events.PERSONAL:
        part, _, field = path.partition(".")
        found = [each.example["detail"]["data"] for each in EVERY_VERSION]
        assert any(field in data.get(part, {}) for data in found), path


@pytest.mark.parametrize("event_type", sorted(contract.types()))
def test_page_has_every_field_of_an_event(event_type):
    """Each field of an event's own part has a line, with a value out of an example."""
    page = PAGE.read_text("utf-8")
    section = page.partition(f"## {event_type}\n")[2].partition("\n## ")[0]
    for each in EVERY_VERSION:
        if each.type != event_type:
            continue
        assert f"[{each.key}.json]" in section
        for part in events.own_parts(event_type, each.version):
            for field in each.example["detail"]["data"][part]:
                assert f"| `{part}.{field}`" in section, f"{event_type}: {part}.{field} is missing"
        if each.status:
            assert f"| `{each.status}` |" in section


@pytest.fixture(scope="module")
def document():
    """The AsyncAPI document, and a function that returns the schema of a message's payload."""
    contents = yaml.safe_load(DOCUMENT.read_text("utf-8"))
    registry = Registry(retrieve=file_behind)

    def payload(step):
        schema = {"$ref": f"{DOCUMENT.as_uri()}#/components/messages/{step}/payload"}
        return jsonschema.Draft7Validator(schema, registry=registry)

    return SimpleNamespace(payload=payload, **contents)


@cache
def file_behind(uri):
    """The contents of a file that a reference names; YAML reads JSON as well."""
    path = Path(url2pathname(urlparse(uri).path))
    read = (
        json.loads if path.suffix == ".json" else yaml.safe_load
    )  # YAML knows no pairs of \\u escapes
    return DRAFT7.create_resource(read(path.read_text("utf-8")))


def test_asyncapi_has_a_message_for_every_example(document):
    """Each payload accepts its own example and no other, and refers to its own version."""
    messages = document.components["messages"]
    assert set(messages) == set(document.channels["bus"]["messages"])
    assert set(messages) == {each.key for each in EVERY_VERSION}
    for each in EVERY_VERSION:
        (example,) = messages[each.key]["examples"]
        path = (DOCUMENT.parent / example["payload"]["$ref"]).resolve()
        assert json.loads(path.read_text("utf-8")) == each.example
        assert messages[each.key]["name"] == each.type
        for other in EVERY_VERSION:
            accepted = document.payload(each.key).is_valid(other.example)
            assert accepted == (other == each), f"{each.key}: {other.key}"


def test_asyncapi_has_every_sender_and_every_receiver(document):
    """One operation for each function and direction, with exactly its events."""
    expected = {}
    for each in EVERY_VERSION:
        for action, functions in (("send", events.senders), ("receive", events.receivers)):
            for function in functions(each):
                expected.setdefault(f"{function.key}.{action}", set()).add(each.key)
    assert expected == {
        name: {each["$ref"].rpartition("/")[2] for each in operation["messages"]}
        for name, operation in document.operations.items()
    }
    assert all(name.endswith(f".{each['action']}") for name, each in document.operations.items())
