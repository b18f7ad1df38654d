"""The OpenAPI document agrees with the service's code."""

import jsonschema
import pytest
from order_service import errors
from order_service.app import App

from devtools.documents import openapi
from workshop.errors import UsageError

DOCUMENT = openapi.document()


def examples(node):
    """Yield the schema and the example of every body in the document."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield node["schema"], node["example"]
        for each in node.values():
            yield from examples(each)


def test_every_example_keeps_its_schema():
    found = list(examples(DOCUMENT))
    assert len(found) > 10
    for schema, example in found:
        whole = schema | {"components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(example)


def test_every_error_class_has_a_response():
    """With its status and its title, at an operation."""
    described = DOCUMENT["components"]["responses"]
    used = {
        (code, response.get("$ref", "").rpartition("/")[2])
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for code, response in operation["responses"].items()
    }
    for error in errors.RequestError.__subclasses__():
        name = error.__name__.removesuffix("Error")
        assert described[name]["description"] == error.__doc__
        assert (str(error.status), name) in used


def test_function_and_document_have_the_routes_of_terraform(context):
    described = [
        f"{method.upper()} {path}"
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    ]
    assert sorted(described) == sorted(openapi.routes())
    app = App(None, None, {})
    for route in openapi.routes():
        assert "no such route" not in app.api({"routeKey": route}, context)["body"]


def test_a_route_without_a_description_is_refused(monkeypatch):
    monkeypatch.setattr(openapi, "routes", lambda: ["GET /orders"])
    with pytest.raises(UsageError, match="GET /orders"):
        openapi.document()
