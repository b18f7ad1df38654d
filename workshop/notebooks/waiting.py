"""Wait until orders are settled, and show their statuses in one line; wait for an alarm."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import following, logs, order_rows
from workshop.journeys.hops import Hop
from workshop.notebooks.connection import Connection
from workshop.recovery import dead_letters

PATIENCE_SECONDS = 300.0
"""On AWS, Lambda retries an event for three minutes."""

POLL_SECONDS = 0.1
ALARM_POLL_SECONDS = 2.0
"""AWS allows about nine `DescribeAlarms` requests a second."""
PEEK_SECONDS = 10.0
"""Seconds between two reads of the dead-letter queues: a read hides messages for a moment."""

LINE_WIDTH = 76


def settle(connection: Connection, order_ids: Collection[str]) -> None:
    """Wait until orders are settled or in a dead-letter queue, and show their statuses.

    The line is updated while orders move; at the end it shows the count of each status.
    """
    statuses = wait(connection.stack, order_ids, _show)
    sys.stdout.write(f"\r{_line(statuses)}\n")


def wait(
    stack: Stack,
    order_ids: Collection[str],
    show: Callable[[dict[str, str]], None] = lambda _: None,
    *,
    seconds: float = PATIENCE_SECONDS,
) -> dict[str, str]:
    """Wait until orders are no longer processed, and return their statuses.

    On the local cloud this is when the cloud is idle. AWS does not report that: there, each order
    must be settled or have a dead letter.

    Args:
        stack: Where the orders are.
        order_ids: Which orders.
        show: Called repeatedly with the statuses by order id.
        seconds: The timeout; after it, the current statuses are returned.
    """
    deadline = time.monotonic() + seconds
    peek_at = time.monotonic() + PEEK_SECONDS
    while True:
        over = following.idle(stack)  # first: what is read after True is final
        # A settled order may still be refunded, so all are read each time.
        found = order_rows.statuses(stack, order_ids)
        statuses = {order_id: found.get(order_id, "UNKNOWN") for order_id in order_ids}
        show(statuses)
        now = time.monotonic()
        if not stack.target.own:
            moving = [
                order_id
                for order_id, status in statuses.items()
                if not order_rows.is_settled(stack, status)
            ]
            over = not moving
            if moving and now > peek_at:
                peek_at = now + PEEK_SECONDS
                over = _all_dead_lettered(stack, moving)
        if over or now > deadline:
            return statuses
        time.sleep(POLL_SECONDS)


def hops_of(connection: Connection, order_id: str, *, seconds: float = 20.0) -> list[Hop]:
    """Return what the functions logged about an order, oldest first.

    Logs appear later than the rows: on AWS by seconds. So this waits until the local cloud is idle
    and the tracker has logged every published event.

    Args:
        connection: The stack.
        order_id: Which order.
        seconds: The timeout; after it, the hops found so far are returned.
    """
    return _hops(connection.stack, order_id, bool, seconds)


def hops_when(
    connection: Connection, order_id: str, function: str, what: str, *, seconds: float = 60.0
) -> list[Hop]:
    """Wait until a function has logged a hop of an order; return all hops logged by then.

    Use it when the order's status does not change any more, so `settle` returns at once.

    Args:
        connection: The stack.
        order_id: Which order.
        function: The function's key, such as `shipping`.
        what: `consumed`, `published`, `published again`, `tracked` or `failed`.
        seconds: The timeout; after it, the hops found so far are returned.
    """

    def logged(found: list[Hop]) -> bool:
        return any((hop.function, hop.what) == (function, what) for hop in found)

    return _hops(connection.stack, order_id, logged, seconds)


def wait_for_alarm(cloudwatch: Any, name: str, *, seconds: float = 300.0) -> Mapping[str, Any]:
    """Wait until an alarm is in the state `ALARM`, and return its description.

    Args:
        cloudwatch: A boto3 `cloudwatch` client.
        name: The alarm's name.
        seconds: The timeout; after it, the alarm is returned in its current state.

    Raises:
        WorkshopError: There is no such alarm.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        if not found:
            raise WorkshopError(f"There is no alarm {name}.")
        (alarm,) = found
        if alarm["StateValue"] == "ALARM" or time.monotonic() > deadline:
            return alarm  # type: ignore[no-any-return]
        time.sleep(ALARM_POLL_SECONDS)


def _hops(
    stack: Stack, order_id: str, enough: Callable[[list[Hop]], bool], seconds: float
) -> list[Hop]:
    deadline = time.monotonic() + seconds
    while True:
        # First: what is read after True is final. AWS does not report it.
        over = following.idle(stack) or not stack.target.own
        found = logs.hops(stack, order_id)
        if over and enough(found) and not following.untracked(found):
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def _all_dead_lettered(stack: Stack, order_ids: Collection[str]) -> bool:
    """Return whether each of these orders has a dead letter."""
    if not stack.outputs.dead_letter_queue_urls:
        return False
    found = dead_letters.look(dead_letters.of(stack).queues)
    return set(order_ids) <= {each.order_id for each in found}


def _line(statuses: dict[str, str]) -> str:
    counts = sorted(Counter(statuses.values()).items())
    return ", ".join(f"{count} {status}" for status, count in counts)


def _show(statuses: dict[str, str]) -> None:
    """Overwrite the line; spaces cover a longer one."""
    sys.stdout.write(f"\r{_line(statuses):<{LINE_WIDTH}}")
    sys.stdout.flush()
