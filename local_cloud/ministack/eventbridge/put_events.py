"""PutEvents refuses entries that EventBridge refuses, and uses the time that an entry has.

AWS judges each entry by itself: a request with one malformed entry has the status 200, and its
other entries are delivered; see `local_cloud.delivery.put_events`. MiniStack 1.5.33 accepts every
entry, and ignores its `Time`.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import eventbridge

from local_cloud.delivery import put_events
from local_cloud.ministack.replacing import replace

_time: contextvars.ContextVar[float | None] = contextvars.ContextVar("time", default=None)
"""The time of the entry that is being published, in seconds since 1970."""


def install() -> None:
    """Check entries. Once per process, before the first request."""
    now = eventbridge._now_ts

    def time_of_entry() -> float:
        time = _time.get()
        return now() if time is None else time

    replace(eventbridge, "_now_ts", lambda _: time_of_entry)
    replace(eventbridge, "_put_events", _checked)


def _checked(publish: Callable[..., Any]) -> Callable[..., Any]:
    def checked(data: dict[str, Any], allow_aws_source: bool = False) -> Any:  # noqa: FBT001, FBT002
        entries = data.get("Entries") or []
        if put_events.over_the_limit(entries):
            return error_response_json("ValidationException", put_events.TOO_LARGE, 400)
        results = [_result(publish, entry, allow_aws_source) for entry in entries]
        failed = sum("ErrorCode" in result for result in results)
        return json_response({"FailedEntryCount": failed, "Entries": results})

    return checked


def _result(publish: Callable[..., Any], entry: dict[str, Any], *built_in: bool) -> Any:
    """Publish an entry; return what the response has for it."""
    if (error := put_events.error_of(entry)) is not None:
        code, message = error
        return {"ErrorCode": code, "ErrorMessage": message}
    token = _time.set(put_events.time_of(entry))
    try:
        _, _, body = publish({"Entries": [entry]}, *built_in)
    finally:
        _time.reset(token)
    return json.loads(body)["Entries"][0]
