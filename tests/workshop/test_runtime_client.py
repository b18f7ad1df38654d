"""Each bundle under AWS's own runtime client: handler names, JSON and error records are right.

The client, awslambdaric, is what Lambda's Python runtime runs; it exists for Linux only.
"""

import importlib.util
import json
import re
import zipfile
from functools import cache

import pytest

from local_cloud.delivery import python_runtime
from tests.fixtures.events import delivered, example
from tests.fixtures.lambda_runtime import running
from workshop.deployment import bundles
from workshop.orders import api_client
from workshop.paths import FUNCTION_DEPENDENCIES, in_stages, stage_packages

pytestmark = [
    pytest.mark.skipif(not FUNCTION_DEPENDENCIES.exists(), reason="run by `devtools unit`"),
    pytest.mark.skipif(
        importlib.util.find_spec("awslambdaric") is None, reason="Lambda's client is for Linux"
    ),
]

ORDER = api_client.order_request({"MOUSE": 1}, token="tok_approved", customer_id="customer-7")
EVENTS = {
    "order-tracker": example("OrderCreated"),
    "payment": example("OrderCreated"),
    "payment-refund": example("InventoryUpdated", "out-of-stock"),
    "inventory": example("PaymentProcessed", "succeeded"),
    "shipping": example("InventoryUpdated", "reserved"),
}
"""By consumer, an event that its rule lets through."""

QUEUES = {
    "payment": {
        "function": "arn:aws:lambda:us-east-1:123456789012:function:payment",
        "undelivered": "http://u.test/u",
        "failed": "http://f.test/f",
    }
}
SETTINGS = {
    "EVENT_BUS_NAME": "bus",
    "TABLE_NAME": "table",
    "POWERTOOLS_SERVICE_NAME": "service",
    "POWERTOOLS_METRICS_NAMESPACE": "orderflow",
    "GATEWAY_AVAILABLE": "true",
    "CONSUMERS": json.dumps(QUEUES),
    "STUCK_AFTER_SECONDS": "900",
    "RUN_EVERY_SECONDS": "300",
    "ORDERS_PER_RUN": "500",
}


def handlers():
    """By function key, the handler that Terraform names."""
    files = in_stages("terraform/*.tf")
    text = "\n".join(path.read_text("utf-8") for path in files)
    pattern = r'^  key\s*= "([\w-]+)"$(?:(?!^}).)*?^  handler\s*= "([\w.]+)"$'
    return dict(re.findall(pattern, text, re.MULTILINE | re.DOTALL))


HANDLERS = handlers()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Unpack the bundle of a handler into a folder that nobody may write to; once each."""
    built = {bundle.package: bundle for bundle in bundles.build()}

    @cache
    def unpack(package):
        code = tmp_path_factory.mktemp(package)
        with zipfile.ZipFile(built[package].path) as archive:
            archive.extractall(code)
        for path in [code, *code.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        return code

    yield lambda handler: unpack(handler.partition(".")[0])
    for path in tmp_path_factory.getbasetemp().rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def test_terraform_names_a_handler_of_every_package():
    packages = {name.partition(".")[0] for name in HANDLERS.values()}
    assert packages == {path.name for path in stage_packages()}
    assert HANDLERS.keys() >= EVENTS.keys() | {"order-api", "redrive", "reconciler"}


@pytest.mark.parametrize("key", EVENTS)
def test_consumer_answers_an_event_and_reports_a_broken_one(unpacked, key):
    """The process outlives the broken one; its record is what the local cloud makes of it, too."""
    event = delivered(EVENTS[key])
    broken = event | {"detail": {"metadata": {}, "data": {}}}
    with started(unpacked, key) as runtime:
        first = runtime.invoke(event)
        posted, record = runtime.invoke(broken)
        assert runtime.invoke(event) == first
    assert (first[0], first[1]["consumed"].partition("/")[0]) == ("response", "example-1")
    assert posted == "error"
    assert record["errorType"] == "InvalidEventError"
    assert record["requestId"] == "request-2"
    assert any(HANDLERS[key].rpartition(".")[2] in line for line in record["stackTrace"])
    assert record.keys() == python_runtime.error_of(ValueError("no")).keys()


CALLS = {
    "order-api": (
        {"statusCode": 201},
        {
            "version": "2.0",
            "routeKey": "POST /orders",
            "rawPath": "/orders",
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": {"method": "POST", "path": "/orders"}, "stage": "$default"},
            "body": json.dumps(ORDER),
            "isBase64Encoded": False,
        },
    ),
    "redrive": ({"messages": []}, {"dry_run": True}),
    "reconciler": ({}, {}),
}
"""By function that no event invokes: a part of its answer, and what it is asked."""


@pytest.mark.parametrize("key", CALLS)
def test_called_function_answers_with_json(unpacked, key):
    expected, event = CALLS[key]
    with started(unpacked, key) as runtime:
        posted, answer = runtime.invoke(event)
    assert posted == "response", answer
    assert answer | expected == answer


def test_misspelt_handler_is_reported_before_any_event(unpacked):
    code = unpacked("payment_service.handler.charge")
    with running("payment_service.handler.charge_twice", code, SETTINGS) as runtime:
        posted, record = runtime.invoke({})
    assert posted == "error"
    assert record["errorType"] == "Runtime.HandlerNotFound"


def started(unpacked, key):
    """The function of a key, under the runtime client."""
    return running(HANDLERS[key], unpacked(HANDLERS[key]), SETTINGS)
