"""Run a service's handlers on events with stubs for AWS; print CPU ms per event as JSON.

Runs in the local cloud's interpreter with an unpacked bundle on its path; standard library only.
"""

import contextlib
import importlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

ROUNDS = 400
WARM_UP = 50

CASES = {
    "order_service": [("track", "PaymentProcessed/v1.succeeded")],
    "payment_service": [
        ("charge", "OrderCreated/v1"),
        ("refund", "InventoryUpdated/v1.out-of-stock"),
    ],
    "inventory_service": [("reserve", "PaymentProcessed/v1.succeeded")],
    "shipping_service": [("prepare", "InventoryUpdated/v1.reserved")],
}
"""Package → its handlers and the example each is run on."""


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
        return {"Attributes": {"attempts": {"N": "1"}, "refund_attempts": {"N": "1"}}}

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        """Answer TransactWriteItems."""
        return {}


class Events:
    """Takes every event."""

    def put_events(self, **_: Any) -> dict[str, Any]:
        """Answer PutEvents."""
        return {"FailedEntryCount": 0, "Entries": [{}]}


def main(package: str) -> None:
    """Print the slowest handler's CPU time per event, and that of reading and writing the JSON."""
    handler = importlib.import_module(f"{package}.handler")
    handler.store._dynamodb = Dynamo()  # noqa: SLF001
    handler.publisher._events = Events()  # noqa: SLF001
    ours, floors = [], []
    for name, example in CASES[package]:
        event = _event(example)
        ours.append(_cpu_ms(lambda e=event, n=name: getattr(handler, n)(e, Context())))
        text = json.dumps(event)
        floors.append(_cpu_ms(lambda t=text: json.dumps(json.loads(t))))
    slowest = max(range(len(ours)), key=ours.__getitem__)
    print(json.dumps({"ours": ours[slowest], "floor": floors[slowest]}))  # noqa: T201


def _event(example: str) -> dict[str, Any]:
    from orderflow import contract  # noqa: PLC0415  (lies in the bundle)

    path = Path(contract.__file__).parent / "contracts" / f"{example}.example.json"
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return event


def _cpu_ms(run: Any) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(WARM_UP):
            run()
        started = time.process_time()
        for _ in range(ROUNDS):
            run()
        return (time.process_time() - started) * 1000 / ROUNDS


if __name__ == "__main__":
    main(sys.argv[1])
