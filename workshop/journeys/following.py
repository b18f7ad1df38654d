"""Follow an order until it is settled or stalled."""

import time
from collections.abc import Iterator

from local_cloud.control import Control
from workshop.console import say
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import advice, logs, order_rows
from workshop.journeys.hops import Hop, HopStream
from workshop.stages import flow

POLL_SECONDS = 0.25

APPEARS_SECONDS = 5.0
"""Timeout for the row of an order after its event was published manually."""

IDLE_SECONDS = 1.0
"""How long the local cloud must be idle before an order counts as stalled."""

TRACKED_SECONDS = 5.0
"""Timeout for the last hops of a settled order: the tracker's, and those that change no status."""


class StalledError(WorkshopError):
    """An order is stalled; the message names its status and the reason."""


def follow(stack: Stack, order_id: str, *, seconds: float) -> Iterator[Hop | None]:
    """Yield an order's hops as they happen, and None while there is none, until it is settled.

    Only the status in the table decides. When the logs cannot be read, the order is still followed.

    Args:
        stack: Where the order is.
        order_id: Which order.
        seconds: The timeout for reaching a final status.

    Raises:
        StalledError: The order is stalled, or not settled after `seconds`.
        WorkshopError: There is no such order.
    """
    started = fresh_at = time.monotonic()
    settled_since: float | None = None
    seen = HopStream()
    reader = _HopReader(stack, order_id)
    while True:
        nothing_runs = idle(stack)  # first: what is read after True is final
        row = order_rows.row_of(stack, "orders", order_id)
        now = str(row["status"]) if row else None
        yield from seen.add(reader.hops(row))
        moment = time.monotonic()
        if seen.fresh or not nothing_runs:
            fresh_at = moment
        if now is None and (nothing_runs or moment > started + APPEARS_SECONDS):
            yield from seen.flush()
            raise advice.no_such_order(stack, order_id)
        given_up = moment > fresh_at + IDLE_SECONDS
        if not order_rows.is_settled(stack, now):
            settled_since = None
            if given_up or moment > started + seconds:
                if order_rows.is_settled(stack, order_rows.status(stack, order_id)):
                    continue  # it was settled while its logs were read
                yield from seen.flush()
                why = advice.reason_of(now, seen.shown, given_up=given_up, seconds=seconds)
                if not given_up and (waiting := injected_faults.queued(stack)):
                    why += f" Deliveries still queued on the local cloud: {waiting}."
                lines = advice.of(stack, order_id, seen.shown, given_up=given_up)
                raise StalledError("\n".join([why, *lines]))
        elif settled_since is None:
            settled_since = moment  # logs come later than rows: read once again
        elif not seen.fresh and (
            given_up or _complete(stack, seen.shown) or moment > settled_since + TRACKED_SECONDS
        ):
            return
        yield None
        time.sleep(POLL_SECONDS if stack.target.own else logs.POLL_SECONDS_IN_ACCOUNT)


class _HopReader:
    """Reads the hops of an order, until its logs cannot be read."""

    def __init__(self, stack: Stack, order_id: str) -> None:
        self._stack = stack
        self._order_id = order_id
        self._silent = False
        self._known: set[Hop] = set()

    def hops(self, row: order_rows.Row | None) -> list[Hop]:
        """Return all hops that were read so far, oldest first.

        Args:
            row: The order's row in the Orders table.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        self._known |= {*logs.delivery_hops(self._stack, self._order_id)}
        if not self._silent:
            try:
                self._known |= {*logs.hops(self._stack, self._order_id, logs.start_of_logs(row))}
            except (BotoCoreError, ClientError) as error:
                self._silent = True
                say(f"The logs cannot be read. Only the order's status is followed: {error}")
        return sorted(self._known)


def idle(stack: Stack) -> bool:
    """Return whether the local cloud has nothing queued, running or to retry; False on AWS."""
    target = stack.target
    return bool(target.own and target.endpoint_url and Control(target.endpoint_url).status().idle)


def untracked(shown: list[Hop]) -> set[str]:
    """Return the steps that were published and that the tracker has not logged yet."""
    published = {hop.step for hop in shown if hop.what.startswith("published")}
    return published - {hop.step.partition(" ")[0] for hop in shown if hop.what == "tracked"}


def _complete(stack: Stack, shown: list[Hop]) -> bool:
    return not untracked(shown) and not unanswered(stack, shown)


def unanswered(stack: Stack, shown: list[Hop]) -> set[str]:
    """Return the functions of the stack that published steps invoke, and that logged no result."""
    invoked = {
        each.key
        for hop in shown
        if hop.what.startswith("published")
        for each in flow().consumers(hop.step)
    }
    answered = {hop.function for hop in shown if hop.what != "consumed"}
    return invoked.intersection(stack.outputs.function_names) - answered


def wait_until_settled(stack: Stack, order_id: str, *, seconds: float = 30) -> str:
    """Wait until an order is settled, and return its status.

    Raises:
        WorkshopError: It is not settled after `seconds`, or there is no such order.
    """
    deadline = time.monotonic() + seconds
    while True:
        now = order_rows.status(stack, order_id)
        if now is not None and order_rows.is_settled(stack, now):
            return now
        if time.monotonic() > deadline:
            raise WorkshopError(f"Order {order_id} is {now or 'unknown'} after {seconds:.0f} s.")
        time.sleep(0.05)
