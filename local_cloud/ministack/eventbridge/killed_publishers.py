"""Fault injection may kill a function just before its events reach the bus."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.eventbridge.failed_entries import origin_of
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")


def install(parts: Parts) -> None:
    """Attach it."""

    def killing(publish: Callable[..., Any]) -> Callable[..., Any]:
        def published(data: Any, allow_aws_source: bool = False) -> Any:  # noqa: FBT001, FBT002
            caller = parts.callers.current()
            if caller and parts.switch.kills(caller.function):
                _log.warning("%s: killed before it published (injected)", caller.function)
                parts.journal.add(
                    Delivery(
                        caller.function,
                        Outcome.KILLED,
                        _unpublished(data),
                        request_id=caller.request_id,
                    )
                )
                caller.kill()
                return error_response_json("InternalFailure", "The caller was killed.", 500)
            return publish(data, allow_aws_source)

        return published

    replace(eventbridge, "_put_events", killing)


def _unpublished(data: Any) -> Origin:
    """Return which event a request would publish first; no part of it has been checked."""
    with suppress(KeyError, IndexError, TypeError):
        return origin_of(data["Entries"][0])
    return Origin()
