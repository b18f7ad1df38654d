"""Read the functions' logs, and format them for people or unchanged."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workshop.deployment.aws_errors import is_throttled
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys.hops import is_about, step_of
from workshop.tracebacks import shorten

_LAMBDA_LINES = ("INIT_START ", "START RequestId", "END RequestId", "REPORT RequestId")


class ThrottledError(WorkshopError):
    """CloudWatch Logs throttled the request."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line in a function's log.

    Attributes:
        milliseconds: When Lambda wrote it, since the epoch.
        function: The function's key.
        message: The line's text.
        repeat: How many equal lines with the same time come before it.
    """

    milliseconds: int
    function: str
    message: str
    repeat: int = 0

    def parsed(self) -> dict[str, Any] | None:
        """Return the line's JSON object; None if it is none."""
        try:
            line = json.loads(self.message)
        except ValueError:
            return None
        return line if isinstance(line, dict) else None


def read(
    stack: Stack, key: str, function: str, since: int, order_id: str | None = None
) -> list[LogLine]:
    """Return a function's log lines in the order of their writing.

    Args:
        stack: The stack.
        key: The function's key, such as `payment`.
        function: The function's name.
        since: The first time, in milliseconds since the epoch.
        order_id: Only lines about this order.

    Raises:
        ThrottledError: CloudWatch Logs throttled the request.
        WorkshopError: The logs cannot be read.
    """
    from botocore.exceptions import ClientError

    pattern = {"filterPattern": f'"{order_id}"'} if order_id else {}
    pages = stack.client("logs").get_paginator("filter_log_events")
    equal: Counter[LogLine] = Counter()
    lines = []
    try:
        group = f"/aws/lambda/{function}"
        for page in pages.paginate(logGroupName=group, startTime=since, **pattern):
            for event in page["events"]:
                if order_id and not is_about(event["message"], order_id):
                    continue
                line = LogLine(event["timestamp"], key, event["message"].rstrip())
                lines.append(LogLine(line.milliseconds, key, line.message, equal[line]))
                equal[line] += 1
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []  # the function has not logged yet
        kind = ThrottledError if is_throttled(error) else WorkshopError
        raise kind(f"The logs cannot be read: {error}") from error
    return lines


def as_written(lines: Iterable[LogLine]) -> Iterator[str]:
    """Yield every line, sorted by time; lines with the same time keep their order."""
    for line in sorted(lines, key=lambda line: line.milliseconds):
        yield f"{_clock(_when(line.milliseconds))} {line.function:<15} {line.message}"


def readable(lines: Iterable[LogLine]) -> Iterator[str]:
    """Yield the code's own lines, sorted by their own time, without Lambda's lines and metrics."""
    found = []
    for line in lines:
        parsed = line.parsed()
        if line.message.startswith(_LAMBDA_LINES) or (parsed and "_aws" in parsed):
            continue
        found.append((_logged_at(line, parsed), line, parsed))
    for at, line, parsed in sorted(found, key=lambda each: each[0]):
        yield f"{_clock(at)} {line.function:<14} {_formatted(line, parsed)}"


def _formatted(line: LogLine, parsed: dict[str, Any] | None) -> str:
    if parsed is None or "message" not in parsed:
        return shorten(line.message)
    order_id = parsed.get("correlation_id", "–")
    words = f"{parsed.get('level', ''):<7} {parsed['message']!s:<15} {order_id} {step_of(parsed)}"
    if (reason := parsed.get("reason")) and reason not in words:
        words = f"{words.rstrip()} ({reason})"
    return "\n".join([words.rstrip(), *filter(None, [shorten(parsed.get("exception") or "")])])


def _logged_at(line: LogLine, parsed: dict[str, Any] | None) -> datetime:
    """Return the time in the line's JSON, or else the time at which Lambda wrote it."""
    try:
        return datetime.fromisoformat((parsed or {})["timestamp"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return _when(line.milliseconds)


def _when(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S.%f}"[:-3]
