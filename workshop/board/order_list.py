"""The newest orders, and in one sentence each what is wrong and where."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.board.event_list import Consumer, EventLine, State
from workshop.deployment.stack import Stack
from workshop.journeys import following, order_rows
from workshop.journeys.order_rows import Row
from workshop.orders.journey_view import money

SHOWN = 100
"""The most orders of the page."""
MOST_READ = 2_000
"""The most orders that are read on a local cloud: no index has all orders by time."""

_LOST = frozenset({State.DEAD_LETTERED, State.DROPPED, State.FAILED, State.REFUSED})


@dataclass(frozen=True)
class Listed:
    """An order of the list.

    Attributes:
        order_id: Its id.
        placed_at: When it was placed; empty if that is not known.
        status: Its status; empty if it has none.
        total: Its total for people; empty if that is not known.
        settled: Whether the status is final at the stack's stage.
        succeeded: Whether it is the final status of a successful order.
    """

    order_id: str
    placed_at: str
    status: str
    total: str
    settled: bool
    succeeded: bool


@dataclass(frozen=True)
class OrderList:
    """What one read returned.

    Attributes:
        orders: The newest orders, newest first.
        idle: Whether nothing is queued, running or to be retried; None if that is not known.
        complete: Whether all orders were read.
    """

    orders: tuple[Listed, ...] = ()
    idle: bool | None = None
    complete: bool = True


def read(stack: Stack, seen: Collection[str]) -> OrderList:
    """Return the newest orders.

    Args:
        stack: The stack.
        seen: The ids of the orders with events, newest first. In an AWS account only these are
            read: there the table may be large.

    Raises:
        ClientError: AWS refused a request.
        WorkshopError: The cloud does not respond.
    """
    if not stack.target.own:
        wanted = list(seen)[:SHOWN]
        found = order_rows.statuses(stack, wanted)
        rows: list[Row] = [
            {"order_id": each, "status": found[each]} for each in wanted if each in found
        ]
        return OrderList(tuple(_listed(stack, each) for each in rows), None, complete=False)
    idle = following.idle(stack)  # first: what is read after True is final
    rows = order_rows.all_rows(stack, MOST_READ)
    newest = sorted(rows, key=order_rows.placed_at, reverse=True)[:SHOWN]
    listed = tuple(_listed(stack, each) for each in newest)
    return OrderList(listed, idle, complete=len(rows) <= SHOWN)


def _listed(stack: Stack, row: Row) -> Listed:
    status = str(row.get("status", ""))
    amount = row.get("total")
    return Listed(
        str(row["order_id"]),
        order_rows.placed_at(row),
        status,
        money(amount, str(row.get("currency", ""))) if amount is not None else "",
        order_rows.is_settled(stack, status),
        status == order_rows.final_status(stack),
    )


def problem(
    order: Listed,
    lines: Iterable[EventLine],
    keys: Mapping[str, str],
    *,
    idle: bool | None,
    queued: Mapping[str, int] | None = None,
) -> str:
    """Return in one sentence why an order is not settled, and where; empty if nothing is wrong.

    Args:
        order: The order.
        lines: Its events, oldest first.
        keys: Function name → key.
        idle: Whether nothing is queued, running or to be retried; None if that is not known.
        queued: Function's key → messages in its dead-letter queues; None if not known.
    """
    if order.settled:
        return ""
    stored = list(lines)
    if found := lost(stored, keys):
        line, consumer = found
        mine = [each for each in line.deliveries if keys.get(each.function) == consumer.name]
        return _lost(line, consumer, mine, queued)
    if not idle:
        return ""
    last = stored[-1] if stored else None
    if last is None:
        return "Nothing runs for it, and the board stores no event of it."
    if last.is_unpublished:
        names = " and ".join(each.name for each in last.consumers(keys))
        return f"{names} was killed before it published {last.step}."
    return f"Nothing runs for it after {last.step or last.origin.detail_type}."


def lost(lines: Sequence[EventLine], keys: Mapping[str, str]) -> tuple[EventLine, Consumer] | None:
    """Return an order's newest event that a function has missed, and this function.

    Args:
        lines: The order's events, oldest first.
        keys: Function name → key.
    """
    for line in reversed(lines):
        for consumer in line.consumers(keys):
            if consumer.state in _LOST and not consumer.repair:
                return line, consumer
    return None


def _lost(
    line: EventLine,
    consumer: Consumer,
    deliveries: list[Delivery],
    queued: Mapping[str, int] | None,
) -> str:
    """Return in one sentence what happened to an event at a consumer."""
    name, event = consumer.name, line.step or line.origin.detail_type
    failed = [each for each in deliveries if each.outcome is Outcome.FAILED]
    reason = failed[-1].reason if failed else consumer.reason
    because = f": {reason}" if reason else ""
    times = "" if len(failed) == 1 else f" {len(failed)} times"
    what = (
        f"{name} failed{times}{because}"
        if failed
        else f"{event} was not delivered to {name}{because}"
    )
    if any(each.queue for each in deliveries):
        if queued is not None and not queued.get(name):
            return f"{what}; its event is no longer in {name}'s dead-letter queue."
        return f"{what}; its event is in {name}'s dead-letter queue."
    if consumer.state is State.DROPPED:
        return f"{what}; the event is lost."
    return f"{what}."
