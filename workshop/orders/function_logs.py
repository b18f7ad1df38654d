"""What the functions logged, for people to read or as it was written."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders.journey import step_of

_LAMBDAS_OWN = ("INIT_START ", "START RequestId", "END RequestId", "REPORT RequestId")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line in a function's log.

    Attributes:
        milliseconds: When CloudWatch got it; locally, all lines of an invocation share it.
        function: The function's key.
        message: What was written.
        repeat: How many lines like it there were before, at the same time.
    """

    milliseconds: int
    function: str
    message: str
    repeat: int = 0

    def parsed(self) -> dict[str, Any] | None:
        """The line's JSON; None when it has none."""
        try:
            line = json.loads(self.message)
        except ValueError:
            return None
        return line if isinstance(line, dict) else None


def read(
    stack: Stack, key: str, function: str, since: int, order_id: str | None = None
) -> list[LogLine]:
    """Return what a function logged since a time in milliseconds, in the order of its writing.

    Raises:
        WorkshopError: The logs cannot be read.
    """
    from botocore.exceptions import ClientError

    pattern = {"filterPattern": f'"{order_id}"'} if order_id else {}
    pages = stack.client("logs").get_paginator("filter_log_events")
    alike: Counter[LogLine] = Counter()
    lines = []
    try:
        group = f"/aws/lambda/{function}"
        for page in pages.paginate(logGroupName=group, startTime=since, **pattern):
            for event in page["events"]:
                line = LogLine(event["timestamp"], key, event["message"].rstrip())
                lines.append(LogLine(line.milliseconds, key, line.message, alike[line]))
                alike[line] += 1
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []  # it has not logged yet
        raise WorkshopError(f"The logs cannot be read: {error}") from error
    return lines


def as_written(lines: Iterable[LogLine]) -> Iterator[str]:
    """Every line, by the time CloudWatch got it; what came together stays in its order."""
    for line in sorted(lines, key=lambda line: line.milliseconds):
        yield f"{_clock(_when(line.milliseconds))} {line.function:<15} {line.message}"


def readable(lines: Iterable[LogLine]) -> Iterator[str]:
    """What the code said, by the time it was said, without Lambda's own lines and metrics."""
    told = []
    for line in lines:
        parsed = line.parsed()
        if line.message.startswith(_LAMBDAS_OWN) or (parsed and "_aws" in parsed):
            continue
        told.append((_said_at(line, parsed), line, parsed))
    for at, line, parsed in sorted(told, key=lambda each: each[0]):
        yield f"{_clock(at)} {line.function:<14} {_in_words(line, parsed)}"


def _in_words(line: LogLine, parsed: dict[str, Any] | None) -> str:
    if parsed is None or "message" not in parsed:
        return line.message
    order_id = parsed.get("correlation_id", "–")
    words = f"{parsed.get('level', ''):<7} {parsed['message']!s:<15} {order_id} {step_of(parsed)}"
    if (reason := parsed.get("reason")) and reason not in words:
        words = f"{words.rstrip()} ({reason})"
    return "\n".join([words.rstrip(), *filter(None, [parsed.get("exception")])])


def _said_at(line: LogLine, parsed: dict[str, Any] | None) -> datetime:
    """When it was said: the line's own word for it, if it has one."""
    try:
        return datetime.fromisoformat((parsed or {})["timestamp"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return _when(line.milliseconds)


def _when(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S.%f}"[:-3]
