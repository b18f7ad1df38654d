"""What the reconciler decides: which orders stand still, and which of them to announce now."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orderflow import contract
from orderflow.clock import from_timestamp, to_timestamp
from orderflow.errors import InvalidEventError, OrderflowError
from orderflow.publisher import Publisher
from recovery.reconcile.store import OpenOrder, OpenOrders


class Result(StrEnum):
    """What became of an order that stands still."""

    ANNOUNCED = "announced"
    NOT_DUE = "not_due"
    """It was announced at a younger age, and will be again at an older."""
    LEFT_OVER = "left_over"
    """The run's cap or its time was reached before it."""
    WITHOUT_EVENT = "without_event"
    """Its `OrderCreated` never came: there is nothing to announce it with."""
    ENDED = "ended"
    """It has reached its end; the index was a moment late."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order, and what became of it; a reason if it could not be announced."""

    order_id: str
    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which orders a run announces."""

    older_than: float
    """Seconds after which an open order stands still."""
    limit: int
    """Orders to announce, at most."""
    window: float | None = None
    """Seconds after each doubling of its age in which an order is announced; None: always."""
    order_id: str | None = None
    """Only this order, if it is open, whatever its age."""


def due(age: float, first: float, window: float) -> bool:
    """Whether an order of this age is announced: at `first`, and each time its age has doubled.

    Nothing has to be remembered of earlier runs: the age alone decides. An order that keeps failing
    is announced some twenty times in two weeks, not thousands of times.

    Args:
        age: seconds since the order was placed.
        first: seconds after which it is announced first; above 0.
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
    """Announce the orders that stand still; yield what became of each of them.

    An order that cannot be announced does not stop the others. Neither do many that nothing heals:
    which orders go first is left to chance, so that the cap cuts off others each time.

    Args:
        orders: the Orders table.
        publisher: the bus.
        plan: which are announced.
        now: the time of day, in UTC.
        until: asked before every order; True leaves over all that follow.
        shuffle: puts a list into another order, in place.

    Raises:
        AwsRequestError: The list of open orders could not be read.
    """
    if plan.order_id:
        stuck = [OpenOrder(plan.order_id, to_timestamp(now))]
    else:
        stuck = list(orders.placed_until(to_timestamp(now - timedelta(seconds=plan.older_than))))
    shuffle(stuck)
    announced = 0
    for order in stuck:
        try:
            if not _is_due(order, plan, now):
                outcome = Outcome(order.order_id, Result.NOT_DUE)
            elif announced >= plan.limit or until():
                outcome = Outcome(order.order_id, Result.LEFT_OVER)
            else:
                outcome = Outcome(order.order_id, _announce(order, orders, publisher))
        except OrderflowError as error:
            reason = f"{type(error).__name__}: {error}"
            outcome = Outcome(order.order_id, Result.FAILED, reason)
        announced += outcome.result is Result.ANNOUNCED
        yield outcome


def _is_due(order: OpenOrder, plan: Plan, now: datetime) -> bool:
    if plan.window is None:
        return True
    try:
        placed_at = from_timestamp(order.placed_at)
    except ValueError:
        raise InvalidEventError("its placed_at is no timestamp") from None
    return due((now - placed_at).total_seconds(), plan.older_than, plan.window)


def _announce(order: OpenOrder, orders: OpenOrders, publisher: Publisher) -> Result:
    stands = orders.now(order.order_id)
    if not stands.is_open:
        return Result.ENDED
    if stands.created is None:
        return Result.WITHOUT_EVENT
    contract.validate(stands.created)
    if stands.created.correlation_id != order.order_id:
        raise InvalidEventError("what is stored as its OrderCreated is another order's")
    publisher.publish(stands.created)
    return Result.ANNOUNCED
