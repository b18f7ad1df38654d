"""Log events with an id, as CloudWatch Logs gives each: 56 digits.

FilterLogEvents returns it on AWS (`aws logs filter-log-events` shows it in the CLI's examples), and
tools such as awslogs read it. MiniStack has none for the lines of a function.
"""

import random
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch_logs

from local_cloud.ministack.replacing import replace

_DIGITS = 36
"""Digits of an id that chance gives; those before them are the time's."""


def install() -> None:
    """Attach the patch."""

    def with_ids(append: Callable[..., Any]) -> Callable[..., Any]:
        def appended(stream: Any, events: list[dict[str, Any]]) -> None:
            append(stream, [{"eventId": _new_id(each["timestamp"]), **each} for each in events])

        return appended

    replace(cloudwatch_logs, "_append_log_events", with_ids)


def _new_id(milliseconds: int) -> str:
    return f"{milliseconds:020d}{random.randrange(10**_DIGITS):0{_DIGITS}d}"
