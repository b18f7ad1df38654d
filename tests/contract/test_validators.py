"""Generated validators: they judge every value as the library does, and in the same words."""

import copy
import importlib.util
import json
import os
import subprocess
import sys
from functools import cache

import fastjsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderflow import contract, validators
from orderflow.violation import Violations
from tests.fixtures.events import examples, order_request
from workshop.deployment import bundles
from workshop.paths import ROOT, in_stages

EVENTS = sorted(contract.CONTRACTS.glob("*/*.schema.json"))
[REQUEST] = in_stages("*/*.schema.json")
SCHEMAS = [*EVENTS, REQUEST]


def in_bundle(path):
    """Return a schema's path relative to the bundle that has all of them."""
    return path.relative_to(ROOT if path in EVENTS else REQUEST.parents[1])


@cache
def valid_values(path):
    """Return values that keep a schema: its examples."""
    if path == REQUEST:
        return [order_request()]
    version = path.name.removesuffix(".schema.json")
    found = [
        raw["detail"]
        for name, raw in examples()
        if name.partition(".")[0] == f"{path.parent.name}/{version}"
    ]
    assert found
    return found


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """The validators of a bundle: schema → validator."""
    folder = tmp_path_factory.mktemp("bundle")
    files = {in_bundle(path).as_posix(): path.read_bytes() for path in SCHEMAS}
    common = contract.CONTRACTS / "common.v1.json"
    files[common.relative_to(ROOT).as_posix()] = common.read_bytes()
    [(name, code)] = bundles._validators(files).items()
    module = folder / name
    module.parent.mkdir()
    module.write_bytes(code)
    spec = importlib.util.spec_from_file_location("validators_of_a_bundle", module)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return {path: loaded.validator(folder / in_bundle(path)) for path in SCHEMAS}


@cache
def of_the_library(path):
    return fastjsonschema.compile(contract.schema(path), fast_fail=False)


def judged(validate, value):
    """Return what a validator finds, with all that a message is made of."""
    try:
        validate(copy.deepcopy(value))
    except (Violations, fastjsonschema.JsonSchemaValuesException) as error:
        return [
            (each.message, each.name, each.rule, repr(each.value), *named(each.definition))
            for each in error.errors
        ]
    return []


def named(definition):
    """Return what a message takes from a part of a schema."""
    if not isinstance(definition, dict):
        return definition, ()
    return definition.get("description"), sorted(definition.get("properties", ()))


def places(value):
    """Return every place in a JSON value: what holds it, and its key or index there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, each in list(inner):
        found.append((value, key))
        if isinstance(each, dict | list):
            found += places(each)
    return found


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-1, 10**9)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([[], {}, [1], {"a": 1}, "x" * 200, "DE", "EUR", "2026-01-15T10:00:00.000Z"])
).map(copy.deepcopy)  # `changed` may change what it put in before


@st.composite
def changed(draw, path):
    """Return a valid value with up to three changes: most of them make it invalid."""
    value = copy.deepcopy(draw(st.sampled_from(valid_values(path))))
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(places(value) or [({}, "none")]))
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            holder[key] = draw(ANYTHING)
        elif change == "remove":
            holder.pop(key, None) if isinstance(holder, dict) else holder.pop(key)
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=5))] = draw(ANYTHING)
        else:
            holder.append(draw(ANYTHING))
    return value


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: in_bundle(path).as_posix())
@settings(deadline=None)
@given(data=st.data())
def test_validators_judge_as_the_library_does(bundled, path, data):
    """Generated for a bundle or on first use: the same values, the same reasons."""
    value = data.draw(changed(path) | ANYTHING)
    expected = judged(of_the_library(path), value)
    assert judged(bundled[path], value) == expected
    assert judged(validators.validator(path), value) == expected


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: in_bundle(path).as_posix())
def test_validators_of_a_bundle_admit_the_examples(bundled, path):
    for value in valid_values(path):
        assert judged(bundled[path], value) == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: in_bundle(path).as_posix())
def test_each_property_of_the_examples_is_judged_alike(bundled, path):
    """One change at each place: the property is missing, null, or another text."""
    refused = 0
    for value in valid_values(path):
        for number in range(len(places(value))):
            for new in (..., None, "\x00", -1):
                broken = copy.deepcopy(value)
                holder, key = places(broken)[number]
                if new is ...:
                    del holder[key]
                else:
                    holder[key] = new
                expected = judged(of_the_library(path), broken)
                assert judged(bundled[path], broken) == expected
                refused += bool(expected)
    assert refused > 40


def test_generated_code_is_the_same_whatever_the_hash_seed():
    code = (
        "import hashlib, sys; from orderflow import validators\n"
        "print(hashlib.sha256(validators.generate(sys.argv[1:]).encode()).hexdigest())"
    )
    uris = [path.as_uri() for path in SCHEMAS]
    found = {
        subprocess.check_output(
            [sys.executable, "-c", code, *uris],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
        )
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_code_of_a_library_that_changed_is_refused(monkeypatch, tmp_path):
    """Otherwise its validators would raise what nothing catches."""
    path = tmp_path / "v1.schema.json"
    path.write_text(json.dumps({"type": "string"}), "utf-8")
    monkeypatch.setattr(validators, "_IMPORT", "from another import Error")
    with pytest.raises(RuntimeError, match="other code"):
        validators.generate([path.as_uri()])
