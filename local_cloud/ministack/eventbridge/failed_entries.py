"""Fault injection may refuse events of a function in a response with status 200.

AWS: a response with status 200 may have a `FailedEntryCount`, and the publisher has to send those
entries again (EventBridge User Guide, "Handling failures with PutEvents").
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ministack.core.responses import json_response
from ministack.services import eventbridge

from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")

FAILED = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal failure (injected)."}


def install(parts: Parts) -> None:
    """Attach it."""

    def failing(publish: Callable[..., Any]) -> Callable[..., Any]:
        def published(data: Any, allow_aws_source: bool = False) -> Any:  # noqa: FBT001, FBT002
            caller = parts.callers.current()
            entries = data.get("Entries") if isinstance(data, Mapping) else None
            plan = parts.switch.plan
            if not caller or not isinstance(entries, list) or not plan:
                return publish(data, allow_aws_source)
            if not plan.fail_entries.share:
                return publish(data, allow_aws_source)
            origins = [origin_of(entry) for entry in entries]
            fails = [
                parts.switch.fails_entry(each.identity, caller.function, each.detail_type)
                for each in origins
            ]
            if not any(fails):
                return publish(data, allow_aws_source)
            _log.warning("%s: PutEvents refused %d events (injected)", caller.function, sum(fails))
            rest = [entry for entry, fail in zip(entries, fails, strict=True) if not fail]
            results = iter(_results(publish, {**data, "Entries": rest}, allow_aws_source))
            answers = [FAILED if fail else next(results) for fail in fails]
            failed = sum("ErrorCode" in each for each in answers)
            return json_response({"FailedEntryCount": failed, "Entries": answers})

        return published

    replace(eventbridge, "_put_events", failing)


def _results(publish: Callable[..., Any], data: dict[str, Any], *built_in: bool) -> Any:
    """Publish what is left of a request; return its results."""
    if not data["Entries"]:
        return []
    _, _, body = publish(data, *built_in)
    return json.loads(body)["Entries"]


def origin_of(entry: Any) -> Origin:
    """Return which event an entry would publish; no part of it has been checked."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        if isinstance(entry, Mapping):
            detail = json.loads(entry["Detail"])
            return Origin.of({"detail-type": entry["DetailType"], "detail": detail})
    return Origin()
