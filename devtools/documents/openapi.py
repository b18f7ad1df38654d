"""The order API as an OpenAPI document, made from its code, its schemas and its routes."""

import copy
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import Any

from orderflow import contract
from workshop.errors import UsageError
from workshop.orders import api_client
from workshop.paths import ROOT, stage_folder

DOCUMENT = ROOT / "docs/openapi.yaml"

Node = dict[str, Any]

_HEADER = """\
# The order API as an OpenAPI 3.1 document. `make docs` generates it from the request's schema,
# the contract, the routes in Terraform and the service's error classes.
# A test fails if it is not up to date.
"""

_FOLDER = stage_folder(1)
_ROUTE = re.compile(r'^    "((?:GET|POST|PUT|PATCH|DELETE) /[\w/{}]*)",$', re.MULTILINE)
_PLACEHOLDER = re.compile(r"{(\w+)}")
_AT = "2026-01-15T10:00:00.000Z"
_KEY = "2f1d7c0e5b6a4c0f9d3e8a7b6c5d4e3f"

GATEWAY: dict[str, tuple[str, str]] = {
    "403": ("Forbidden", "The signature is missing or wrong, or its owner has no permission."),
    "429": ("Too Many Requests", "The client sends more requests than the API accepts."),
    "500": (
        "Internal Server Error",
        "The function failed, perhaps after it stored the order.",
    ),
}
"""What API Gateway itself responds, whatever the operation: status → message, and when."""


@contextmanager
def _imports() -> Iterator[None]:
    """Let Python find the package of the order service."""
    sys.path.append(str(_FOLDER))
    try:
        yield
    finally:
        sys.path.remove(str(_FOLDER))


with _imports():
    from order_service import api, errors, service, status
    from order_service.catalogue import load_catalogue
    from order_service.store import Cursor, OrderRecord, OrderSummary, Page


def text() -> str:
    """Return the document as YAML."""
    import yaml  # noqa: PLC0415 - only `make docs` needs it

    class Dumper(yaml.SafeDumper):
        """Writes each value in full, without a reference to an equal one."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's method
            return True

    content = yaml.dump(document(), Dumper=Dumper, sort_keys=False, width=120)
    return _HEADER + str(content)


def routes() -> list[str]:
    """Return the API's route keys, such as `GET /orders/{order_id}`, as Terraform has them."""
    return _ROUTE.findall((_FOLDER / "terraform/api.tf").read_text("utf-8"))


def document() -> Node:
    """Return the document.

    Raises:
        UsageError: A route has no description here, or a description no route.
    """
    operations = _operations()
    if different := set(routes()) ^ set(operations):
        raise UsageError(f"{__name__} and Terraform differ: {', '.join(sorted(different))}")
    paths: Node = {}
    for route in routes():
        method, _, path = route.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(path, operations[route])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "orderflow order API",
            "version": "1.0.0",
            "summary": "Place orders and look them up.",
            "description": (
                "The API accepts an order, stores it and publishes its first event. The services "
                "behind the event bus do the rest, so an order's status changes after the response."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "https://{api_id}.execute-api.{region}.amazonaws.com",
                "description": "Terraform's output `api_endpoint` is the whole address.",
                "variables": {
                    "api_id": {"default": "api"},
                    "region": {"default": "us-east-1"},
                },
            }
        ],
        "security": [{"sigv4": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "parameters": _parameters(),
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                    "description": (
                        "AWS Signature Version 4 for the service `execute-api`. The signer needs "
                        "the IAM permission `execute-api:Invoke`."
                    ),
                }
            },
        },
    }


def _operations() -> dict[str, Node]:
    """Return each route's operation; `errors` are the classes that its code raises."""
    order_link = {
        "operationId": "getOrder",
        "parameters": {"order_id": "$response.body#/order_id"},
        "description": "Read the order.",
    }
    orders_link = {
        "operationId": "listOrders",
        "parameters": {"customer_id": "$response.body#/customer_id"},
        "description": "List all orders of the customer.",
    }
    again_link = {
        "operationId": "placeOrder",
        "parameters": {"Idempotency-Key": "$response.header.idempotency-key"},
        "requestBody": "$request.body",
        "description": "Send the same request again: it finds the order and creates no other.",
    }
    placed_links = {"order": order_link, "orders": orders_link, "again": again_link}
    placed_headers = _headers("location", "idempotency-key")
    return {
        "POST /orders": {
            "operationId": "placeOrder",
            "summary": "Place an order, once for each idempotency key",
            "parameters": ["idempotency-key"],
            "requestBody": {
                "required": True,
                "description": f"At most {api.MAX_BODY_BYTES} bytes of JSON in UTF-8.",
                "content": _content("OrderRequest", _example_request()),
            },
            "responses": {
                "201": _success(
                    "The order is stored and its event is published.",
                    *("Order", _example_order(), placed_headers, placed_links),
                ),
                "200": _success(
                    "The same request with the same key was here before: this is its order. "
                    "Its event is published again.",
                    *("Order", _example_order(), placed_headers, placed_links),
                ),
                "503": {"$ref": "#/components/responses/BusyWhilePlacing"},
            },
            "errors": (
                errors.MalformedRequestError,
                errors.IdempotencyConflictError,
                errors.OversizedRequestError,
                errors.InvalidOrderError,
            ),
        },
        "GET /orders/{order_id}": {
            "operationId": "getOrder",
            "summary": "Read an order",
            "parameters": [],
            "responses": {
                "200": _success(
                    "The order with its current status.",
                    *("Order", _example_order(), {}, {"orders": orders_link}),
                ),
            },
            "errors": (errors.NotFoundError,),
        },
        "GET /customers/{customer_id}/orders": {
            "operationId": "listOrders",
            "summary": "List a customer's orders, newest first",
            "description": (
                "The list may lag a moment behind a new order or status. "
                "A customer without orders has an empty list."
            ),
            "parameters": ["limit", "cursor"],
            "responses": {
                "200": _success(
                    "A page of orders.",
                    *("OrderPage", _example_page(), {}),
                    {
                        "order": {
                            "operationId": "getOrder",
                            "parameters": {"order_id": "$response.body#/orders/0/order_id"},
                            "description": "Read the newest order of the page.",
                        },
                        "next": {
                            "operationId": "listOrders",
                            "parameters": {
                                "customer_id": "$request.path.customer_id",
                                "limit": "$request.query.limit",
                                "cursor": "$response.body#/cursor",
                            },
                            "description": "Read the next page; the last one has a null cursor.",
                        },
                    },
                ),
            },
            "errors": (errors.MalformedRequestError, errors.NotFoundError),
        },
    }


def _operation(path: str, described: Node) -> Node:
    """Return an operation with its path's parameters and all its responses, by status."""
    own: Node = dict(described)
    names = [*_PLACEHOLDER.findall(path), *own.pop("parameters")]
    responses = {
        **own.pop("responses"),
        **{str(each.status): _reference("responses", _name(each)) for each in own.pop("errors")},
        **{code: _reference("responses", _gateway_name(code)) for code in GATEWAY},
    }
    responses.setdefault("503", _reference("responses", "Busy"))
    parameters = [_reference("parameters", name) for name in names]
    body = {"requestBody": own.pop("requestBody")} if "requestBody" in own else {}
    by_status = dict(sorted(responses.items()))
    return {**own, "parameters": parameters, **body, "responses": by_status}


def _success(description: str, schema: str, example: Any, headers: Node, links: Node) -> Node:
    return {
        "description": description,
        **({"headers": headers} if headers else {}),
        "content": _content(schema, example),
        "links": links,
    }


def _content(schema: str, example: Any, media_type: str = "application/json") -> Node:
    return {media_type: {"schema": _reference("schemas", schema), "example": example}}


def _reference(kind: str, name: str) -> Node:
    return {"$ref": f"#/components/{kind}/{name}"}


def _name(error: type[errors.RequestError]) -> str:
    return error.__name__.removesuffix("Error")


def _gateway_name(code: str) -> str:
    return GATEWAY[code][0].replace(" ", "")


# ── schemas ──


def _schemas() -> Node:
    """Return the schemas of the bodies, and the contract's definitions that they use."""
    request = contract.schema(_FOLDER / "order_service/request.schema.json")
    request = copy.deepcopy(request)  # its reader keeps it
    definitions = request.pop("definitions")
    request.pop("$schema")
    catalogue = load_catalogue()
    currencies = {each for prices in catalogue.values() for each in prices}
    request["properties"]["currency"] |= {"enum": sorted(currencies)}
    line = request["properties"]["lines"]["items"]["properties"]
    line["sku"] = {"description": "an item of the catalogue", "enum": sorted(catalogue)}
    order = definitions["order"]
    shown = {
        "status": {"description": "how far the order is", "enum": list(status.RANKS)},
        "updated_at": {
            "description": "when the status changed",
            "$ref": "#/definitions/timestamp",
        },
    }
    contact = request["properties"]["contact"]
    summary = {name: (order["properties"] | shown)[name] for name in _names(OrderSummary)}
    schemas = {
        "OrderRequest": request,
        "Order": order
        | {
            "description": "an order as its customer sees it; the payment token is left out",
            "required": [*order["required"], *shown],
            "properties": {
                **order["properties"],
                **shown,
                "contact": contact
                | {"description": "left out for an order that did not come through the API"},
            },
        },
        "OrderPage": {
            "type": "object",
            "additionalProperties": False,
            "required": _names(Page, next_cursor="cursor"),
            "properties": {
                "orders": {
                    "type": "array",
                    "maxItems": api.MAX_PAGE,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": list(summary),
                        "properties": summary,
                    },
                },
                "cursor": {
                    "description": "leads to the next page; null on the last one",
                    "type": ["string", "null"],
                },
            },
        },
        "Problem": _problem_schema(),
        "GatewayMessage": {
            "description": "a response of API Gateway itself",
            "type": "object",
            "required": ["message"],
            "properties": {"message": {"type": "string"}},
        },
    }
    used = dict(sorted(_used(schemas, definitions).items()))
    return {name: _component(node) for name, node in (schemas | used).items()}


def _names(record: type, **renamed: str) -> list[str]:
    return [renamed.get(each.name, each.name) for each in fields(record)]


def _problem_schema() -> Node:
    """Return the schema of a problem document; its fields are those of a real one."""
    body = _body(api.unavailable({}))
    types = {str: "string", int: "integer"}
    properties: Node = {
        name: {"type": types[type(value)]} for name, value in body.items() if name != "faults"
    }
    properties["faults"] = {
        "description": "every validation error, without personal data",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string"},
    }
    return {
        "description": "a problem document (RFC 9457)",
        "type": "object",
        "additionalProperties": False,
        "required": list(body),
        "properties": properties,
    }


def _used(node: Any, definitions: Node) -> Node:
    """Return the definitions that a schema refers to, directly or not."""
    found: Node = {}
    for name in re.findall(r'"#/definitions/(\w+)"', json.dumps(node)):
        if name not in found:
            found |= {name: definitions[name]} | _used(definitions[name], definitions)
    return found


def _component(node: Any) -> Any:
    """Return a schema whose references lead to the document's components.

    A body in UTF-8 has no surrogates, and the regular expressions of some tools do not know them.
    """
    text = json.dumps(node).replace('"#/definitions/', '"#/components/schemas/')
    return json.loads(text.replace(r"\\ud800-\\udfff", ""))


# ── parameters, headers, responses ──


def _parameters() -> Node:
    identifier = _reference("schemas", "id")
    return {
        "order_id": {"name": "order_id", "in": "path", "required": True, "schema": identifier},
        "customer_id": {
            "name": "customer_id",
            "in": "path",
            "required": True,
            "schema": identifier,
        },
        "idempotency-key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": (
                "Makes a retry safe: the same request with the same key finds the first order. "
                "Without it, the API makes a key and returns it."
            ),
            "schema": _key_schema(),
            "example": _KEY,
        },
        "limit": {
            "name": "limit",
            "in": "query",
            "description": "the most orders of a page",
            "schema": {
                "type": "integer",
                "minimum": 1,
                "maximum": api.MAX_PAGE,
                "default": api.DEFAULT_PAGE,
            },
        },
        "cursor": {
            "name": "cursor",
            "in": "query",
            "description": "the cursor of the page before; only of the same customer",
            "schema": {"type": "string"},
        },
    }


def _key_schema() -> Node:
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": api.MAX_KEY_LENGTH,
        # HTTP drops white space around a header's value.
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    }


def _headers(*names: str, optional: str = "") -> Node:
    """Return headers that a response always has, and one that it may have."""
    described = {
        "location": {
            "description": "the path of the order",
            "schema": {"type": "string", "pattern": "^/orders/ord_[0-9a-f]{32}$"},
        },
        "idempotency-key": {
            "description": "the key of the order, also if the request had none",
            "schema": _key_schema(),
        },
        "retry-after": {
            "description": "seconds to wait before the same request is sent again",
            "schema": {"type": "integer", "minimum": 1},
        },
    }
    may = {optional: described[optional]} if optional else {}
    return {name: described[name] | {"required": True} for name in names} | may


def _responses() -> Node:
    """Return a response for each error class, each busy service and each of API Gateway's own."""
    busy = api.unavailable({})
    found = {_name(error): _problem(api.problem(_raised(error))) for error in _MISTAKES}
    found["Busy"] = _problem(busy, _headers("retry-after"))
    found["BusyWhilePlacing"] = _problem(
        busy, _headers("retry-after", "idempotency-key", optional="location")
    ) | {
        "links": {
            "again": {
                "operationId": "placeOrder",
                "parameters": {"Idempotency-Key": "$response.header.idempotency-key"},
                "requestBody": "$request.body",
                "description": "Send the same request again with the key of this response.",
            }
        }
    }
    for code, (message, when) in GATEWAY.items():
        content = _content("GatewayMessage", {"message": message})
        found[_gateway_name(code)] = {"description": when, "content": content}
    return found


def _problem(response: api.Response, headers: Node | None = None) -> Node:
    """Describe a problem document by an example: its title and status are always the same."""
    body = _body(response)
    fixed = {name: {"const": body[name]} for name in ("title", "status")}
    return {
        "description": body["title"],
        **({"headers": headers} if headers else {}),
        "content": {
            response["headers"]["content-type"]: {
                "schema": {"allOf": [_reference("schemas", "Problem"), {"properties": fixed}]},
                "example": body,
            }
        },
    }


# ── examples: what the code itself makes ──


def _example_request() -> Node:
    return api_client.order_request({"KEYBOARD": 1, "MOUSE": 2})


class _OneOrder:
    """The port `OrderStore` with one order, which every request finds, or with none."""

    def __init__(self, record: OrderRecord | None = None) -> None:
        self._record = record

    def put_once(self, record: OrderRecord) -> OrderRecord | None:  # noqa: ARG002 - a port
        return self._record

    def get(self, order_id: str) -> OrderRecord | None:  # noqa: ARG002
        return self._record

    def move_forward(self, record: OrderRecord) -> bool:  # noqa: ARG002
        return False

    def list_by_customer(self, customer_id: str, limit: int, cursor: Cursor | None) -> Page:  # noqa: ARG002
        return Page([], None)


def _place(request: Node, store: _OneOrder) -> OrderRecord:
    catalogue = load_catalogue()
    record, _ = service.place_order(
        request, _KEY, store=store, catalogue=catalogue, clock=lambda: _AT
    )
    return record


@cache
def _record() -> OrderRecord:
    return _place(_example_request(), _OneOrder())


def _example_order() -> Node:
    return api.order_view(_record())


def _example_page() -> Node:
    order = _record().order | {"status": status.CREATED}
    last = Cursor(**{name: order[name] for name in _names(Cursor)})
    return api.page_view(
        Page([OrderSummary(**{name: order[name] for name in _names(OrderSummary)})], last)
    )


_MISTAKES: dict[type[errors.RequestError], Callable[[], object]] = {
    errors.MalformedRequestError: lambda: api.json_body({"body": "{"}),
    errors.NotFoundError: lambda: service.get_order("ord_unknown", store=_OneOrder()),
    errors.IdempotencyConflictError: lambda: _place(
        _example_request() | {"currency": "USD"}, _OneOrder(_record())
    ),
    errors.OversizedRequestError: lambda: api.json_body({"body": " " * (api.MAX_BODY_BYTES + 1)}),
    errors.InvalidOrderError: lambda: _place(
        _example_request() | {"lines": [{"sku": "TELESCOPE", "quantity": 0}]}, _OneOrder()
    ),
}
"""For each error class a mistake that leads to it."""


def _raised(error: type[errors.RequestError]) -> errors.RequestError:
    try:
        _MISTAKES[error]()
    except error as raised:
        return raised
    raise UsageError(f"{__name__}: the example of {error.__name__} raises nothing")


def _body(response: api.Response) -> Node:
    body: Node = json.loads(response["body"])
    return body
