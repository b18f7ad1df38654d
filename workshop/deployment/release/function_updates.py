"""A function's settings on Lambda, which change in their own time."""

import time
from typing import Any

from workshop.errors import WorkshopError

POLL_SECONDS = 0.1
LIVE_SECONDS = 120.0
"""How long an update may take: seconds on AWS, half a second on the local cloud."""


def deadline() -> float:
    """Until when an update that begins now may take."""
    return time.monotonic() + LIVE_SECONDS


def settled(client: Any, name: str, until: float, qualifier: str | None = None) -> dict[str, Any]:
    """A function's configuration, once it can run and no update of it is under way.

    AWS refuses a second update during the first, and a version that is not ready cannot run.

    Args:
        client: boto3's, for Lambda.
        name: The function's name.
        until: When to give up, on the monotonic clock.
        qualifier: A version or an alias; None for the newest settings, published or not.

    Raises:
        WorkshopError: The update failed, or was not over in time.
    """
    which = {"Qualifier": qualifier} if qualifier else {}
    while True:
        now: dict[str, Any] = client.get_function_configuration(FunctionName=name, **which)
        update = now.get("LastUpdateStatus", "Successful")
        state = now.get("State", "Active")
        # A function that nobody called for weeks is put aside: it comes back when it is called.
        if update == "Successful" and state in {"Active", "Inactive"}:
            return now
        if "Failed" in {update, state} or time.monotonic() > until:
            told = now.get("LastUpdateStatusReason") or now.get("StateReason")
            stands = update if state == "Active" else state
            raise WorkshopError(f"The update of {name} is not live: {told or stands}.")
        time.sleep(POLL_SECONDS)
