"""Run one function in this process without AWS, and print what that took as JSON.

Runs in the local cloud's interpreter with an unpacked bundle on its path; standard library and
boto3 only. The input comes as JSON on standard input. Arguments, the first of which is a command:

- `warm`, module, its function that builds the app, entry point, AWS services that the app has
  clients for: CPU time per event, with stubs in place of clients.
- `own`, module, entry point: the same for a function that makes its own clients; they respond at
  once.
- `cold`, module, entry point: a cold start with its first event. Its requests go through boto3 up
  to the connection, where a prepared response is waiting. With `again`: also the CPU time of each
  further event.
- `bare`, AWS services: a cold start of nothing but the clients and the requests that `cold` made.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

STARTED, STARTED_CPU = time.perf_counter(), time.process_time()

ROUNDS = 400
WARM_UP = 50

ROW = {
    "status": {"S": "PENDING"},
    "amount": {"N": "13700"},
    "currency": {"S": "EUR"},
    "attempts": {"N": "1"},
    "refund_attempts": {"N": "1"},
}
"""The response to an update: the attributes that a service reads of an item."""

RESPONSES: dict[str, dict[str, Any]] = {
    "PutItem": {},
    "UpdateItem": {"Attributes": ROW},
    "TransactWriteItems": {},
    "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "bench"}]},
}
"""Operation → AWS's response."""

Requests = list[tuple[str, dict[str, Any]]]
"""Operations and their parameters."""


class Context:
    """The part of Lambda's context that Powertools reads."""

    function_name = "bench"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return the time until the function's timeout."""
        return 25_000


class Client:
    """Responds to every call at once."""

    def put_item(self, **_: Any) -> dict[str, Any]:
        """Respond to PutItem."""
        return RESPONSES["PutItem"]

    def update_item(self, **_: Any) -> dict[str, Any]:
        """Respond to UpdateItem."""
        return RESPONSES["UpdateItem"]

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        """Respond to TransactWriteItems."""
        return RESPONSES["TransactWriteItems"]

    def put_events(self, **_: Any) -> dict[str, Any]:
        """Respond to PutEvents."""
        return RESPONSES["PutEvents"]


class Body:
    """The body of a response on the wire."""

    def __init__(self, content: dict[str, Any]) -> None:
        """Take what the response says."""
        self._bytes = json.dumps(content).encode()

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        """Return the body in one part."""
        return [self._bytes]


def warm(text: str, module: str, build: str, name: str, *services: str) -> dict[str, Any]:
    """Return the CPU time per event of an entry point, and of reading and writing its JSON."""
    clients = {service: Client() for service in services}
    app = getattr(importlib.import_module(module), build)(os.environ, **clients)
    entry, event = getattr(app, name), json.loads(text)
    _check(entry(event, Context()), f"{module}, {name}")
    return {
        "ours": _cpu_ms(lambda: entry(event, Context())),
        "floor": _cpu_ms(lambda: json.dumps(json.loads(text))),
    }


def own(text: str, module: str, name: str) -> dict[str, Any]:
    """Return the CPU time per event of a function whose clients respond at once."""
    from botocore.client import BaseClient

    BaseClient._make_api_call = lambda _, operation, __: RESPONSES[operation]  # noqa: SLF001
    with contextlib.redirect_stdout(io.StringIO()):  # its logger keeps the stream that it finds
        entry = getattr(importlib.import_module(module), name)
    event = json.loads(text)
    return {"ours": _cpu_ms(lambda: entry(event, Context()))}


def cold(text: str, module: str, name: str, again: str = "") -> dict[str, Any]:
    """Import a function and process its first event; return the time, and the requests."""
    entry = getattr(importlib.import_module(module), name)
    requests = _respond()
    _check(entry(json.loads(text), Context()), f"{module}, {name}")
    report = {**_since_the_start(), "requests": list(requests)}
    if again:
        report["event_cpu_ms"] = _cpu_ms(lambda: entry(json.loads(text), Context()))
    return report


def bare(text: str, *services: str) -> dict[str, Any]:
    """Make clients, read an event, make the requests and write one line; return the time."""
    import boto3
    from botocore import xform_name

    clients = [boto3.client(service) for service in services]
    _respond()
    given = json.loads(text)
    for operation, parameters in given["requests"]:
        method = xform_name(operation)
        next(getattr(each, method) for each in clients if hasattr(each, method))(**parameters)
    print(json.dumps(given["event"]))  # noqa: T201
    return _since_the_start()


def _check(response: dict[str, Any], what: str) -> None:
    if response.get("statusCode", 201) != 201:
        sys.exit(f"{what}: did not do its work: {response}")


def _respond() -> Requests:
    """Respond to all requests of boto3 from now on; return the list that they will be in."""
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    requests: Requests = []

    def send(_: Any, request: Any) -> Any:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        requests.append((operation, json.loads(request.body)))
        return AWSResponse(request.url, 200, {}, Body(RESPONSES[operation]))

    URLLib3Session.send = send
    return requests


def _since_the_start() -> dict[str, float]:
    return {
        "ms": (time.perf_counter() - STARTED) * 1000,
        "cpu_ms": (time.process_time() - STARTED_CPU) * 1000,
    }


def _cpu_ms(run: Callable[[], object]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(WARM_UP):
            run()
        started = time.process_time()
        for _ in range(ROUNDS):
            run()
        return (time.process_time() - started) * 1000 / ROUNDS


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "warm": warm,
    "own": own,
    "cold": cold,
    "bare": bare,
}

if __name__ == "__main__":
    # The handlers log to the same output; the report is its last line.
    print(json.dumps(COMMANDS[sys.argv[1]](sys.stdin.read(), *sys.argv[2:])))  # noqa: T201
