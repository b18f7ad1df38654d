"""A run as people read it: its orders, its faults, and a waterfall of each order."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from rich.text import Text

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from orderflow.clock import to_timestamp
from tests.simulation.aws import Attempt, Kept
from tests.simulation.scenario import Result, Run
from tests.simulation.world import BEGIN
from workshop.journeys.hops import Hop, hop_of
from workshop.journeys.text import lines_of
from workshop.journeys.waterfall import Waterfall, waterfall_of


def lines(result: Result, columns: int = 100) -> Iterator[Text | str]:
    """Yield the lines that show a run.

    Args:
        result: The run.
        columns: The most columns of a line.
    """
    yield f"seed {result.seed}: {result.violation or 'every invariant holds'}"
    for order in result.run.scenario.orders:
        items = ", ".join(f"{quantity} {sku}" for sku, quantity in order.lines)
        way = "by event" if order.by_event else f"sent {order.copies} times" * (order.copies > 1)
        yield f"  order  {order.order_id}  {items}  {order.token}  {way}".rstrip()
    for act in result.run.scenario.acts:
        yield f"  act    {act.name} at {act.at:,.1f} s"
    for each in result.injected:
        yield f"  fault  {each.fault}: {each.site}"
    for order in result.run.scenario.orders:
        if (waterfall := waterfall_of_order(result.run, order.order_id)) is not None:
            yield ""
            yield order.order_id
            yield from lines_of(waterfall, columns)


def waterfall_of_order(run: Run, order_id: str) -> Waterfall | None:
    """Return an order's waterfall, as the board and `make follow` draw it; None if nothing ran."""
    hops = list(_hops(run, order_id))
    deliveries = [
        *(_delivery(each) for each in run.bus.attempts if _order_of(each) == order_id),
        *(_kept(each) for each in run.bus.kept if _order_of(each) == order_id),
    ]
    return waterfall_of(hops, deliveries) if hops or deliveries else None


def _order_of(record: Attempt | Kept) -> str:
    return str(record.event["detail"].get("metadata", {}).get("correlation_id", ""))


def _hops(run: Run, order_id: str) -> Iterator[Hop]:
    """Yield the hops of an order from the log lines, with the simulation's times."""
    requests = {each.process.key: each for each in run.bus.attempts}
    placed = {order.key: order.order_id for order in run.scenario.orders}
    for seconds, function, key, text in run.lines:
        line = json.loads(text)
        attempt = requests.get(key)
        if attempt:
            about = _order_of(attempt)
        else:  # the API's process has the order's key in its name; recovery names the order
            about = line.get("correlation_id") or placed.get(key.partition(".")[0])
        if about != order_id:
            continue
        line["timestamp"] = _moment(seconds)
        if "took_ms" in line:
            line["took_ms"] = 0.0
        if hop := hop_of(function, json.dumps(line)):
            yield replace(hop, request_id=attempt.request if attempt else key)


def _delivery(attempt: Attempt) -> Delivery:
    ending, ended = attempt.process.ending, attempt.process.ended
    if ending is None or ending.killed:
        outcome, reason = Outcome.FAILED, "killed"
    elif ending.returned:
        outcome, reason = Outcome.DELIVERED, ""
    else:
        outcome, reason = Outcome.FAILED, type(ending.error).__name__
    end = attempt.started if ended is None else ended
    return Delivery(
        function=attempt.consumer,
        outcome=outcome,
        origin=Origin.of(attempt.event, rule=attempt.consumer),
        attempt=attempt.number,
        reason=reason,
        milliseconds=(end - attempt.started) * 1000,
        time=_moment(end),
        request_id=attempt.request,
        accepted=_moment(attempt.accepted),
        started=_moment(attempt.started),
    )


def _kept(kept: Kept) -> Delivery:
    return Delivery(
        function=kept.consumer,
        outcome=Outcome.DROPPED if kept.dropped else Outcome.DEAD_LETTERED,
        origin=Origin.of(kept.event, rule=kept.consumer),
        attempt=kept.number,
        reason=kept.reason,
        queue="" if kept.dropped else f"{kept.consumer}-dead-letters",
        time=_moment(kept.at),
        request_id=kept.request if kept.number else "",
    )


def _moment(seconds: float) -> str:
    return to_timestamp(BEGIN + timedelta(seconds=seconds))
