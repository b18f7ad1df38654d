"""What the reconciler decides: which orders are stalled, and which of them it re-publishes now."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from orderflow import contract
from orderflow.clock import from_timestamp, to_timestamp
from orderflow.errors import InvalidEventError, OrderflowError, TransientError
from orderflow.publisher import Publisher
from recovery.reconcile.store import OpenOrder, OpenOrders


class Result(StrEnum):
    """What became of a stalled order."""

    REPUBLISHED = "republished"
    NOT_DUE = "not_due"
    """It was re-published at a younger age, and will be again at an older."""
    LEFT_OVER = "left_over"
    """The run's cap or its time was reached before it."""
    WITHOUT_EVENT = "without_event"
    """Its `OrderCreated` never came: there is nothing to re-publish it with."""
    ENDED = "ended"
    """It has reached its end; the index was a moment late."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order, and what became of it; a reason if it could not be re-published."""

    order_id: str
    result: Result
    reason: str = ""
    transient: bool = False
    """Whether the next run may publish it: what is stored is valid, and AWS refused."""
    status: str = ""
    """The order's status when it was read; empty if it was not read."""
    placed_at: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which orders a run re-publishes."""

    older_than: float
    """Seconds after which an open order counts as stalled."""
    limit: int
    """Orders to re-publish, at most."""
    window: float | None = None
    """Seconds after each doubling of its age in which an order is re-published; None: always."""
    order_id: str | None = None
    """Only this order, if it is open, whatever its age."""


def due(age: float, first: float, window: float) -> bool:
    """Whether an order of this age is re-published: at `first`, and each time its age has doubled.

    Nothing has to be remembered of earlier runs: the age alone decides. An order that keeps failing
    is re-published some twenty times in two weeks, not thousands of times.

    Args:
        age: seconds since the order was placed.
        first: seconds after which it is re-published first; above 0.
        window: seconds that each turn lasts; two runs fall into it, so that one may be lost.
    """
    if age < first:
        return False
    turn = first
    while 2 * turn <= age:
        turn *= 2
    return age - turn < window


def reconcile(
    orders: OpenOrders,
    publisher: Publisher,
    plan: Plan,
    *,
    now: datetime,
    until: Callable[[], bool] = lambda: False,
    shuffle: Callable[[list[OpenOrder]], None] = random.shuffle,
) -> Iterator[Outcome]:
    """Re-publish the stalled orders; yield what became of each of them.

    An order that cannot be published does not stop the others, whatever its row holds. Neither do
    many that nothing repairs: which orders go first is left to chance, so that the cap cuts off
    others each time.

    Args:
        orders: the Orders table.
        publisher: the bus.
        plan: which are re-published.
        now: the time of day, in UTC.
        until: asked before every order; True leaves over all that follow.
        shuffle: puts a list into another order, in place.

    Raises:
        AwsRequestError: The list of open orders could not be read.
    """
    if plan.order_id:
        stuck = [OpenOrder(plan.order_id, placed_at="")]
    else:
        stuck = list(orders.placed_until(to_timestamp(now - timedelta(seconds=plan.older_than))))
    shuffle(stuck)
    republished = 0
    for order in stuck:
        try:
            if not _is_due(order, plan, now):
                outcome = Outcome(order.order_id, Result.NOT_DUE)
            elif republished >= plan.limit or until():
                outcome = Outcome(order.order_id, Result.LEFT_OVER)
            else:
                outcome = _republish(order, orders, publisher)
        except OrderflowError as error:
            reason, transient = (
                f"{type(error).__name__}: {error}",
                isinstance(error, TransientError),
            )
            outcome = Outcome(order.order_id, Result.FAILED, reason, transient)
        except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
            outcome = Outcome(order.order_id, Result.FAILED, type(error).__name__)
        republished += outcome.result is Result.REPUBLISHED
        yield replace(outcome, placed_at=order.placed_at or outcome.placed_at)


def _is_due(order: OpenOrder, plan: Plan, now: datetime) -> bool:
    if plan.window is None:
        return True
    try:
        placed_at = from_timestamp(order.placed_at)
    except ValueError:
        # It has no age. Reported once a day: every run would only repeat it.
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if (now - midnight).total_seconds() >= plan.window:
            return False
        raise InvalidEventError("its placed_at is no timestamp") from None
    return due((now - placed_at).total_seconds(), plan.older_than, plan.window)


def _republish(order: OpenOrder, orders: OpenOrders, publisher: Publisher) -> Outcome:
    stored = orders.now(order.order_id)
    if not stored.is_open:
        return Outcome(order.order_id, Result.ENDED)
    outcome = Outcome(
        order.order_id, Result.REPUBLISHED, status=stored.status, placed_at=stored.placed_at
    )
    if stored.created is None:
        return replace(outcome, result=Result.WITHOUT_EVENT)
    contract.validate(stored.created)
    if stored.created.correlation_id != order.order_id:
        raise InvalidEventError("what is stored as its OrderCreated is another order's")
    publisher.publish(stored.created)
    return outcome
