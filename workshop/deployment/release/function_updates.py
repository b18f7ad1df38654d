"""Wait for updates of Lambda functions."""

import time
from typing import Any

from workshop.errors import WorkshopError

POLL_SECONDS = 0.1
LIVE_SECONDS = 120.0
"""How long an update may take: seconds on AWS, half a second on the local cloud."""


def deadline() -> float:
    """Return the deadline of an update that starts now, on the monotonic clock."""
    return time.monotonic() + LIVE_SECONDS


def wait_until_updated(
    client: Any, name: str, until: float, qualifier: str | None = None
) -> dict[str, Any]:
    """Wait until a function can run and no update is in progress; return its configuration.

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
        # A function that is not invoked for weeks becomes inactive, until it is invoked again.
        if update == "Successful" and state in {"Active", "Inactive"}:
            return now
        if "Failed" in {update, state} or time.monotonic() > until:
            reason = now.get("LastUpdateStatusReason") or now.get("StateReason")
            status = update if state == "Active" else state
            raise WorkshopError(f"The update of {name} is not live: {reason or status}.")
        time.sleep(POLL_SECONDS)
