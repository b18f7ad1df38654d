"""The order API does what its OpenAPI document says, whatever a client sends."""

import itertools

import pytest
from order_service.app import App
from order_service.catalogue import load_catalogue
from order_service.store import DynamoOrderStore

from devtools.documents import openapi
from orderflow.publisher import Publisher
from tests.fixtures import api_record, conformance
from tests.fixtures.http_api import HttpApi
from tests.fixtures.in_process import BUS
from tests.fixtures.unreliable import AFTER, BEFORE, Unreliable
from tests.simulation.dynamodb import Dynamodb

FAILURES = [*[None] * 8, BEFORE, *[None] * 8, AFTER]
"""For each request to AWS, how it fails."""

EFFECTS = {
    ("POST /orders", 201): {(1, 1)},
    ("POST /orders", 200): {(0, 1)},
    ("POST /orders", 503): {(0, 0), (1, 0), (0, 1), (1, 1)},
}
"""Route and status → new rows and published events; every other response has no effect."""


@pytest.fixture
def run(bus, context):
    """Send generated requests to the API; also returns the responses with a wrong effect."""
    dynamodb, fails = Dynamodb(), itertools.cycle(FAILURES).__next__
    store = DynamoOrderStore(Unreliable(dynamodb, fails), "orderflow-orders")
    app = App(store, Publisher(Unreliable(bus, fails), BUS), load_catalogue())
    wrong = []

    def function(event):
        before = len(dynamodb.items["orders"]), len(bus.entries)
        response = app.api(event, context)
        effect = len(dynamodb.items["orders"]) - before[0], len(bus.entries) - before[1]
        if effect not in EFFECTS.get((event["routeKey"], response["statusCode"]), {(0, 0)}):
            wrong.append((event, response, effect))
        return response

    api = HttpApi(openapi.routes(), function)
    busy = {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", conformance.BUSY]}}
    url = "http://orders.example"
    return conformance.run(url, app=api, examples=50, chains=20, checks=busy), wrong


def test_every_generated_request_gets_a_documented_response(run):
    """Valid or not, alone or in a chain, while store and bus fail now and then."""
    found, wrong = run
    assert found.failures == []
    assert wrong == []
    assert found.statuses.keys() == documented_statuses() - {("POST /orders", 413)}
    api_record.add(
        {
            api_record.OPERATIONS: len(openapi.routes()),
            api_record.CHECKS: len(found.checks),
            api_record.IN_PROCESS: found.cases.total(),
        }
    )


def documented_statuses():
    """Return operation and status of every response but those of API Gateway itself."""
    document = openapi.document()
    return {
        (f"{method.upper()} {path}", int(code))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for code in operation["responses"]
        if code not in openapi.GATEWAY
    }
