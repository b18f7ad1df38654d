"""The order service's test fixtures."""

import json
from functools import partial

import pytest
from order_service.app import build
from order_service.store import DynamoOrderStore
from order_service.tracker_app import build_tracker

from tests.fixtures.order_store import InMemoryOrderStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return InMemoryOrderStore()
    name = request.getfixturevalue("make_table")("orders")
    return DynamoOrderStore(request.getfixturevalue("dynamodb"), name)


@pytest.fixture
def memory_store():
    return InMemoryOrderStore()


@pytest.fixture
def app(environment, dynamodb, bus):
    return build(environment("orders"), dynamodb=dynamodb, events=bus)


@pytest.fixture
def tracker(environment, dynamodb):
    return build_tracker(environment("orders"), dynamodb=dynamodb)


@pytest.fixture
def send(context):
    """Send a body to an app's POST /orders; return status, parsed response and headers."""

    def to_app(app, body, *, key=None, raw=False, **extra):
        request = {
            "version": "2.0",
            "routeKey": "POST /orders",
            "headers": {"Idempotency-Key": key} if key is not None else {},
            "body": body if raw else json.dumps(body),
            "isBase64Encoded": False,
        } | extra
        answer = app.api(request, context)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return to_app


@pytest.fixture
def post(app, send):
    """Send a body to POST /orders; return status, parsed response and headers."""
    return partial(send, app)


@pytest.fixture
def get(app, context):
    """Call a GET route."""

    def send(route, query=None, **path):
        request = {"routeKey": route, "pathParameters": path, "queryStringParameters": query}
        answer = app.api(request, context)
        return answer["statusCode"], json.loads(answer["body"])

    return send
