"""The cost of a failure: the time until an event is in its dead-letter queue, and its recovery."""

import json
import time
import uuid
from typing import Any

from devtools.bench.figures import Figure
from local_cloud.settings import Settings
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client
from workshop.paths import ROOT
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import FAILED, DeadLetters, Filter, Result

CONSUMER = "inventory"
EXAMPLE = ROOT / "orderflow/contracts/PaymentProcessed/v1.succeeded.example.json"
"""An event that the inventory cannot process while it has no stock item for it."""

WAITS_MINUTES = 1 + 2
"""Lambda's waits before its first and second retry, in minutes on AWS."""

MESSAGES = 100
AT_ONCE = 1000.0
"""Messages per second: more than there are, so the limit has no effect."""
POLL_SECONDS = 0.01
PATIENCE_SECONDS = 120.0


def figures(stack: Stack) -> list[Figure]:
    """Measure failure and recovery on the stack's local cloud.

    Raises:
        WorkshopError: A dead letter did not arrive, or its redrive failed.
    """
    dlqs = dead_letters.of(stack)
    sku = f"BENCH-{uuid.uuid4().hex[:8]}"
    first = _fail(stack, dlqs, sku, 1)
    _fail(stack, dlqs, sku, MESSAGES)
    api_client.set_stock(stack, {sku: MESSAGES + 1})
    return [
        Figure(
            "from a failing event to its dead letter",
            "s",
            first,
            "–",
            None,
            WAITS_MINUTES * Settings.seconds_per_minute,
            "floor: the waits alone",
        ),
        _redrive(stack, dlqs),
    ]


def _fail(stack: Stack, dlqs: DeadLetters, sku: str, number: int) -> float:
    """Make so many events fail permanently; return the seconds until all are in the queue."""
    before = _waiting(dlqs)
    started = time.perf_counter()
    for _ in range(number):
        answer = stack.client("events").put_events(Entries=[_entry(stack, sku)])
        if answer["FailedEntryCount"]:
            raise WorkshopError("the bus refused an event")
    while _waiting(dlqs) < before + number:
        if time.perf_counter() > started + PATIENCE_SECONDS:
            raise WorkshopError(f"{number} dead letters did not come in {PATIENCE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - started


def _redrive(stack: Stack, dlqs: DeadLetters) -> Figure:
    """Redrive all of them, then invoke the same function with the same events in a plain loop."""
    started = time.perf_counter()
    with dlqs.redriven(Filter(consumer=CONSUMER), rate=AT_ONCE) as attempts:
        tried = list(attempts)
    rate = len(tried) / (time.perf_counter() - started)
    if any(attempt.result is not Result.REDRIVEN for attempt in tried):
        raise WorkshopError("a dead letter could not be redriven")
    name = stack.outputs.function_names[CONSUMER]
    started = time.perf_counter()
    for attempt in tried:
        payload = json.dumps(attempt.dead_letter.event)
        answer = stack.client("lambda").invoke(FunctionName=name, Payload=payload)
        answer["Payload"].read()
    floor = len(tried) / (time.perf_counter() - started)
    return Figure(
        f"redrive of {len(tried)} dead letters, unthrottled",
        "1/s",
        rate,
        "–",
        None,
        floor,
        "floor: the invocations alone",
    )


def _waiting(dlqs: DeadLetters) -> int:
    return dlqs.queues.waiting()[CONSUMER, FAILED].total


def _entry(stack: Stack, sku: str) -> dict[str, Any]:
    """Return a paid order for the SKU, as any AWS tool could put it on the bus."""
    order_id = f"bench-{uuid.uuid4().hex}"
    event = json.loads(EXAMPLE.read_text("utf-8").replace("example-1", order_id))
    order, payment = event["detail"]["data"]["order"], event["detail"]["data"]["payment"]
    order["lines"] = [{"sku": sku, "quantity": 1, "unit_price": order["total"]}]
    payment["amount"] = order["total"]
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "EventBusName": stack.outputs.event_bus_name,
    }
