"""The log of a run reaches CloudWatch Logs a moment after the run, as on AWS.

The end of a run is when the next function of an order starts: nobody should wait for a log then.
Logs wait here until somebody asks for logs or metrics, or for CloudWatch's next round. Whoever asks
gets all that was written before.
"""

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from local_cloud.ministack.replacing import replace

MOST_WAITING = 200
"""Logs that wait at most: some 15 ms of work, for which the server answers nobody."""

_log = logging.getLogger("local_cloud")

_waiting: deque[tuple[contextvars.Context, Callable[[], None]]] = deque()
_turn = threading.Lock()


def install() -> None:
    """Let requests of logs and of metrics find everything."""
    for service in (cloudwatch_logs, cloudwatch):
        replace(service, "handle_request", _up_to_date)


def _up_to_date(handle: Callable[..., Any]) -> Callable[..., Any]:
    async def handled(*request: Any) -> Any:
        catch_up()
        return await handle(*request)

    return handled


def later(ingest: Callable[[], None]) -> None:
    """Ingest something later, in the account and the region of the caller."""
    _waiting.append((contextvars.copy_context(), ingest))
    if len(_waiting) >= MOST_WAITING:
        catch_up()


def catch_up() -> None:
    """Ingest all that waits, in its order."""
    with _turn:
        while _waiting:
            context, ingest = _waiting.popleft()
            try:
                context.run(ingest)
            except Exception:  # noqa: BLE001 - whatever it is, the other logs must not vanish
                _log.exception("a log could not be ingested")
