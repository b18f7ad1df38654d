"""Run a handler on an event with stubs for AWS; print its CPU ms per event as JSON.

Runs in the local cloud's interpreter with an unpacked bundle on its path; standard library only.
Arguments: module and handler; the event comes as JSON on standard input.
"""

import contextlib
import importlib
import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 400
WARM_UP = 50

ROW = {
    "status": {"S": "PENDING"},
    "amount": {"N": "13700"},
    "currency": {"S": "EUR"},
    "attempts": {"N": "1"},
    "refund_attempts": {"N": "1"},
}
"""What an update answers with: as much of any row as a service reads of it."""


class Context:
    """What Powertools reads of Lambda's context."""

    function_name = "bench"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "bench"


class Dynamo:
    """Answers every write at once."""

    def put_item(self, **_: Any) -> dict[str, Any]:
        """Answer PutItem."""
        return {}

    def update_item(self, **_: Any) -> dict[str, Any]:
        """Answer UpdateItem."""
        return {"Attributes": ROW}

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        """Answer TransactWriteItems."""
        return {}


class Events:
    """Takes every event."""

    def put_events(self, **_: Any) -> dict[str, Any]:
        """Answer PutEvents."""
        return {"FailedEntryCount": 0, "Entries": [{}]}


def main(module_name: str, function: str, text: str) -> None:
    """Print the handler's CPU time per event, and that of reading and writing the event's JSON."""
    module = importlib.import_module(module_name)
    module.store._dynamodb = Dynamo()  # noqa: SLF001
    if hasattr(module, "publisher"):
        module.publisher._events = Events()  # noqa: SLF001
    handler, event = getattr(module, function), json.loads(text)
    answer = handler(event, Context())
    if answer.get("statusCode", 201) != 201:
        sys.exit(f"{module_name}.{function} did not do its work: {answer}")
    ours = _cpu_ms(lambda: handler(event, Context()))
    floor = _cpu_ms(lambda: json.dumps(json.loads(text)))
    print(json.dumps({"ours": ours, "floor": floor}))  # noqa: T201


def _cpu_ms(run: Callable[[], object]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(WARM_UP):
            run()
        started = time.process_time()
        for _ in range(ROUNDS):
            run()
        return (time.process_time() - started) * 1000 / ROUNDS


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.read())
