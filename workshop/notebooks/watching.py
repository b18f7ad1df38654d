"""Waiting for what a status does not show: that a function has said something."""

import time
from typing import TYPE_CHECKING

from workshop.orders import journey
from workshop.orders.journey import Hop

if TYPE_CHECKING:
    from workshop.notebooks.connection import Connection

POLL_SECONDS = 0.1


def hops_when(
    connection: "Connection", order_id: str, function: str, what: str, *, seconds: float = 60.0
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
    deadline = time.monotonic() + seconds
    while True:
        # Asked first: what is read after a yes is all there will be. Of AWS nobody knows.
        over = journey.idle(connection.stack) or not connection.stack.target.own
        found = journey.hops(connection.stack, order_id)
        said = any((hop.function, hop.what) == (function, what) for hop in found)
        if (said and over and not journey.untracked(found)) or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)
