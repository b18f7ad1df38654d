"""The conventional twin without a cloud: its functions on moto, and a bus in this process."""

import importlib
import itertools
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any
from unittest import mock

from devtools.bench.conventional import flow
from devtools.bench.conventional.bundle import SHOP
from devtools.bench.conventional.flow import FUNCTIONS, PREFIX, TABLES, Function

_numbers = itertools.count(1)

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_SESSION_TOKEN": "",
    "POWERTOOLS_TRACE_DISABLED": "true",
}

Request = tuple[str, str, str]
"""Function, operation, and the table without its prefix; empty for PutEvents."""


@dataclass
class Flow:
    """The twin's functions on moto.

    Attributes:
        requests: The AWS requests so far.
        runs: Function → runs so far.
        inputs: Function → the first input it got.
        refuses: Whether PutEvents refuses an event of this type in a response with status 200.
    """

    requests: Counter[Request] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    inputs: dict[str, Any] = field(default_factory=dict)
    refuses: Callable[[str], bool] = lambda _: False
    _handlers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    _waiting: list[dict[str, Any]] = field(default_factory=list)
    _running: str = ""

    def invoke(self, function: str, event: Any) -> Any:
        """Run a function once."""
        self.runs[function] += 1
        self.inputs.setdefault(function, event)
        self._running = function
        return self._handlers[function](event, _context(function))

    def deliver(self) -> None:
        """Deliver the events on the bus, and those that follow, to all functions that get them."""
        while self._waiting:
            event = self._waiting.pop(0)
            for function in FUNCTIONS:
                if function.pattern and _matches(function.pattern, event):
                    self.invoke(function.name, event)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table, in DynamoDB's format."""
        import boto3

        found: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=f"{PREFIX}-{table}")[
            "Items"
        ]
        return found

    def note(self, operation: str, parameters: dict[str, Any]) -> Any:
        """Count a request; return the response of PutEvents, None for others."""
        if not self._running:
            return None
        table = str(parameters.get("TableName", "")).removeprefix(f"{PREFIX}-")
        self.requests[self._running, operation, table] += 1
        if operation != "PutEvents":
            return None
        [entry] = parameters["Entries"]
        if self.refuses(entry["DetailType"]):
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        self._waiting.append(_event(entry))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "event"}]}


@contextmanager
def running(stock: dict[str, int]) -> Iterator[Flow]:
    """Yield the twin with its tables.

    Args:
        stock: SKU → units.
    """
    import boto3
    from botocore.client import BaseClient
    from moto import mock_aws  # noqa: PLC0415 - only tests and the bench need it

    with mock.patch.dict(os.environ, ENVIRONMENT), mock_aws():
        boto3.setup_default_session()
        client = boto3.client("dynamodb")
        for table, key in TABLES.items():
            client.create_table(
                TableName=f"{PREFIX}-{table}",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            )
        for sku, units in stock.items():
            item = {"sku": {"S": sku}, "on_hand": {"N": str(units)}}
            client.put_item(TableName=f"{PREFIX}-stock", Item=item)
        found = Flow()
        found._handlers = {each.name: _loaded(each) for each in FUNCTIONS}  # noqa: SLF001
        call = BaseClient._make_api_call  # noqa: SLF001 - the one place that all requests pass

        def counted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            answer = found.note(operation, parameters)
            return call(client, operation, parameters) if answer is None else answer

        try:
            with mock.patch.object(BaseClient, "_make_api_call", counted):
                yield found
        finally:
            boto3.DEFAULT_SESSION = None


def order_event(request: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the input of the function that takes an order."""
    return {"order": request, "idempotency_key": key}


def _loaded(function: Function) -> Callable[..., Any]:
    """Import a function's handler with its own environment, under a name that no other has."""
    os.environ.update(flow.environment(function))
    package, _, rest = function.handler.partition(".")
    module, _, name = rest.rpartition(".")
    alias = f"{package}_{next(_numbers)}"
    spec = spec_from_file_location(
        alias, SHOP / "__init__.py", submodule_search_locations=[str(SHOP)]
    )
    assert spec is not None  # noqa: S101 - there is a loader for a Python file
    sys.modules[alias] = module_from_spec(spec)
    handler: Callable[..., Any] = getattr(importlib.import_module(f"{alias}.{module}"), name)
    return handler


def _context(function: str) -> Any:
    return SimpleNamespace(
        function_name=f"{PREFIX}-{function}",
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
        aws_request_id=str(uuid.uuid4()),
        get_remaining_time_in_millis=lambda: 25_000,
    )


def _event(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": "000000000000",
        "time": "2026-01-15T09:30:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": json.loads(entry["Detail"]),
    }


def _matches(pattern: Any, value: Any) -> bool:
    """Return whether a value matches a pattern of lists of values, as the twin's rules are."""
    if isinstance(pattern, list):
        return value in pattern
    return isinstance(value, dict) and all(
        name in value and _matches(each, value[name]) for name, each in pattern.items()
    )
