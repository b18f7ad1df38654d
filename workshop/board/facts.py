"""What the stack's events and tables show about the steps of the lessons.

`workshop.progress.steps` lists the facts. Here each has the time at which it became true, or an
empty text if that is not known.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.board.event_list import EventLine
from workshop.deployment.stack import Record, Stack
from workshop.orders import api_client, smoke
from workshop.orders.api_client import ALWAYS_UNAVAILABLE
from workshop.orders.tables import table_name
from workshop.progress import record
from workshop.stages import flow

LEARNERS = (api_client.CUSTOMER, smoke.CUSTOMER)
"""The customers of the learner's orders; the checks order as other customers."""

_MOST_ORDERS = 200
"""The newest orders of a customer that are read."""

_LOST = {Outcome.DROPPED, Outcome.DEAD_LETTERED}
_UNDELIVERED = "-undelivered"

Facts = dict[str, str]


@dataclass(frozen=True)
class Order:
    """An order's id, status, and the time when it was placed."""

    order_id: str
    status: str
    placed_at: str


def since(stack: Stack, stage: int) -> str:
    """Return when the stack last came to a stage from another one; empty if that is not known.

    What happened before, in the demo, say, is no step of the stage's lesson. For a stage that the
    stack has not had yet it is the time when the stack came to its current stage.
    """
    found = Record.load(stack.target.directory)
    if found is None:
        return ""
    return found.since.get(str(stage)) or found.since.get(str(found.stage), "")


def of_events(
    lines: Iterable[EventLine],
    keys: Mapping[str, str],
    orders: Collection[str] = (),
    start: str = "",
) -> Facts:
    """Return what events show about the learner's orders.

    Args:
        lines: The events, oldest first.
        keys: Function name → key.
        orders: Ids of orders that are the learner's; those with an event are found without it.
        start: The time from which events count; empty for all.
    """
    lines = [each for each in lines if each.time >= start]
    own = set(orders) | {each.order_id for each in lines if _customer(each) in LEARNERS}
    lines = [each for each in lines if each.order_id in own]
    published: dict[str, list[EventLine]] = {}
    caused: dict[str, list[EventLine]] = {}
    for line in lines:
        if line.logged:
            published.setdefault(line.origin.identity, []).append(line)
            caused.setdefault(_cause(line), []).append(line)
    facts: Facts = {}
    for line in lines:
        for fact, time in _of_line(line, keys, published, caused):
            facts[fact] = min(facts.get(fact, time), time)
    return facts


def _of_line(
    line: EventLine,
    keys: Mapping[str, str],
    published: Mapping[str, list[EventLine]],
    caused: Mapping[str, list[EventLine]],
) -> Iterator[tuple[str, str]]:
    same = published.get(line.origin.identity, [])
    if line.logged and line.step:
        time = _published_at(line)
        yield f"published {line.step}", time
        if same[0] is not line:
            yield f"published-again {line.step}", time
        if keys.get(line.producer) == "reconciler":
            yield f"re-published {line.step}", time
    duplicated = {each.function for each in line.deliveries if each.outcome is Outcome.DUPLICATED}
    for each in line.deliveries:
        name = keys.get(each.function, each.function)
        yield from _of_delivery(line, each, name)
        if each.outcome is Outcome.DELIVERED and each.function in duplicated:
            yield f"duplicated {name}", each.time
        later: Iterable[EventLine] = ()
        fact = ""
        if each.outcome is Outcome.KILLED:
            fact, later = f"recovered {name}", same
        elif each.outcome is Outcome.DEAD_LETTERED:
            fact = f"redriven {name}"
            effects = caused.get(line.origin.identity, [])
            later = [event for event in effects if keys.get(event.producer) == name]
        for event in later:
            if (time := _published_at(event)) > each.time:
                yield fact, time


def _gateway_was_down(line: EventLine, function: str) -> bool:
    """Return whether a function failed because of the gateway, and not of the payment token."""
    token = _inside(line.content, "detail", "data", "payment_method", "token")
    reasons = [each.reason for each in line.deliveries if each.function == function]
    return "GatewayUnavailableError" in reasons and token not in {None, ALWAYS_UNAVAILABLE}


def _of_delivery(line: EventLine, each: Delivery, name: str) -> Iterator[tuple[str, str]]:
    if each.outcome is Outcome.DELIVERED and each.attempt > 1:
        yield f"retried {name}", each.time
    if each.outcome is Outcome.KILLED:
        yield f"killed {name}", each.time
    if each.outcome in _LOST:
        yield f"lost {name}", each.time
    if each.outcome is Outcome.DEAD_LETTERED:
        yield f"dead-lettered {name}", each.time
        if _gateway_was_down(line, each.function):
            yield f"gateway-down {name}", each.time
        if each.queue.endswith(_UNDELIVERED):
            yield f"undelivered {name}", each.time


def of_stack(stack: Stack, skus: Collection[str], start: str = "") -> tuple[Facts, list[Order]]:
    """Return what a stack's tables show, and the learner's newest orders.

    Args:
        stack: The stack.
        skus: The articles whose stock is read.
        start: The time from which orders count; empty for all.
    """
    facts = {f"deployed {stage}": "" for stage in range(1, stack.stage + 1)}
    orders = [each for customer in LEARNERS for each in _orders(stack, customer)]
    for order in orders:
        for step in _steps_to(order.status) if order.placed_at >= start else ():
            fact = f"published {step}"
            facts[fact] = min(facts.get(fact, order.placed_at), order.placed_at)
    if skus and "inventory" in stack.outputs.table_names:
        found = api_client.read_stock(stack, sorted(skus))
        facts |= {f"stock {sku}": "" for sku in found}
    return facts, orders


def of_record(stage: int) -> Facts:
    """Return what the record of passed checks shows about a stage, for its current code."""
    passed = record.load().checks.get(str(stage))
    if passed and passed == record.fingerprint(stage):
        return {f"checked {stage}": ""}
    return {}


def was_true(fact: str) -> bool:
    """Return whether a fact is a check that has passed, with whatever code."""
    kind, _, stage = fact.partition(" ")
    return kind == "checked" and stage in record.load().checks


def _orders(stack: Stack, customer: str) -> list[Order]:
    response = stack.client("dynamodb").query(
        TableName=table_name(stack, "orders"),
        IndexName="by-customer",
        KeyConditionExpression="customer_id = :customer",
        ExpressionAttributeValues={":customer": {"S": customer}},
        ScanIndexForward=False,
        Limit=_MOST_ORDERS,
    )
    return [
        Order(item["order_id"]["S"], item["status"]["S"], item["placed_at"]["S"])
        for item in response["Items"]
    ]


def _steps_to(status: str) -> list[str]:
    """Return the steps that an order with a status has passed, the last first."""
    steps = [step for step, given in flow().statuses.items() if given == status]
    for step in steps:  # grows: each step's cause follows it
        for function in flow().functions.values():
            if step in function.publishes and function.key != "reconciler":
                steps += [each for each in function.consumes if each not in steps]
    return steps


def _published_at(line: EventLine) -> str:
    return line.logged.time if line.logged else line.time


def _customer(line: EventLine) -> str:
    return str(_inside(line.content, "detail", "data", "order", "customer_id") or "")


def _cause(line: EventLine) -> str:
    return str(_inside(line.content, "detail", "metadata", "causation_id") or "")


def _inside(content: Any, *path: str) -> Any:
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content
