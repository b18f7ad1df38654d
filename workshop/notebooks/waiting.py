"""Waiting until orders have come as far as they get, with a line that tells how far that is."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection

from workshop.deployment.stack import Stack
from workshop.notebooks.connection import Connection
from workshop.orders import journey
from workshop.orders.journey import Hop
from workshop.recovery import dead_letters

PATIENCE_SECONDS = 300.0
"""On AWS Lambda tries an event for three minutes before it gives up."""

POLL_SECONDS = 0.1
LOOK_SECONDS = 10.0
"""How often dead-letter queues are looked into: each look hides their messages for a moment."""

LINE_WIDTH = 76


def settle(connection: Connection, order_ids: Collection[str]) -> None:
    """Wait until orders stand still, or wait in a dead-letter queue; tell where they stand.

    The line changes while orders move, and its last form stays: how many have which status.
    """
    statuses = wait(connection.stack, order_ids, _show)
    sys.stdout.write(f"\r{_line(statuses)}\n")


def wait(
    stack: Stack,
    order_ids: Collection[str],
    tell: Callable[[dict[str, str]], None] = lambda _: None,
    *,
    seconds: float = PATIENCE_SECONDS,
) -> dict[str, str]:
    """Wait until nothing of some orders is under way, and return their statuses.

    On the local cloud that is when it has nothing to do any more. Of AWS nobody knows: there each
    order has to stand still, or to wait in a dead-letter queue, or time runs out.

    Args:
        stack: Where.
        order_ids: Which.
        tell: Called with the statuses by order id, again and again.
        seconds: How long at most.
    """
    deadline = time.monotonic() + seconds
    look = time.monotonic() + LOOK_SECONDS
    while True:
        over = journey.idle(stack)  # asked first: what is read after a yes is all there will be
        # One that stands still may yet be refunded: so all are read, each time.
        found = journey.statuses(stack, order_ids)
        statuses = {order_id: found.get(order_id, "UNKNOWN") for order_id in order_ids}
        tell(statuses)
        now = time.monotonic()
        if not stack.target.own:
            moving = [
                name for name, now_at in statuses.items() if not journey.stands_still(stack, now_at)
            ]
            over = not moving
            if moving and now > look:
                look = now + LOOK_SECONDS
                over = _all_parked(stack, moving)
        if over or now > deadline:
            return statuses
        time.sleep(POLL_SECONDS)


def hops_of(connection: Connection, order_id: str, *, seconds: float = 20.0) -> list[Hop]:
    """Return what the functions logged about an order, oldest first.

    Logs come a little later than the rows: on AWS by seconds. So this waits until nothing is under
    way, as far as anybody knows, and the tracker has told of every event that was published.
    """
    return _hops(connection.stack, order_id, bool, seconds)


def hops_when(
    connection: Connection, order_id: str, function: str, what: str, *, seconds: float = 60.0
) -> list[Hop]:
    """Wait until a function has said something about an order; return all that was said by then.

    For an order whose status does not change any more, so that `settle` has nothing to wait for.

    Args:
        connection: The stack.
        order_id: Which order.
        function: The function's key, such as `shipping`.
        what: `consumed`, `published`, `published again`, `tracked` or `failed`.
        seconds: How long at most; then what has been said so far is returned.
    """

    def said(found: list[Hop]) -> bool:
        return any((hop.function, hop.what) == (function, what) for hop in found)

    return _hops(connection.stack, order_id, said, seconds)


def _hops(
    stack: Stack, order_id: str, enough: Callable[[list[Hop]], bool], seconds: float
) -> list[Hop]:
    deadline = time.monotonic() + seconds
    while True:
        # Asked first: what is read after a yes is all there will be. Of AWS nobody knows.
        over = journey.idle(stack) or not stack.target.own
        found = journey.hops(stack, order_id)
        if over and enough(found) and not journey.untracked(found):
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def _all_parked(stack: Stack, order_ids: Collection[str]) -> bool:
    """Whether each of these orders has a dead letter."""
    if not stack.outputs.dead_letter_queue_urls:
        return False
    letters = dead_letters.look(dead_letters.of(stack).queues)
    return set(order_ids) <= {letter.order_id for letter in letters}


def _line(statuses: dict[str, str]) -> str:
    counts = sorted(Counter(statuses.values()).items())
    return ", ".join(f"{count} {status}" for status, count in counts)


def _show(statuses: dict[str, str]) -> None:
    """Write over the line before; spaces cover what was longer."""
    sys.stdout.write(f"\r{_line(statuses):<{LINE_WIDTH}}")
    sys.stdout.flush()
