"""Format dead letters and redrive attempts as text."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from rich.text import Text

from workshop.deployment.stack import Stack
from workshop.recovery.dead_letters import UNDELIVERED, UNPROCESSED, Attempt, DeadLetter, Result
from workshop.tracebacks import shorten

SHORT = 8
"""Characters of a message id that are shown: enough to identify it."""

SIGNS = {
    Result.REDRIVEN: ("✓", "green"),
    Result.FAILED_AGAIN: ("✗", "red"),
    Result.UNRECOGNISED: ("–", "yellow"),
}

_NARROWEST = 40
"""Minimum columns of a reason, however narrow the terminal."""
_GAP = "  "


def listed(dead_letters: Sequence[DeadLetter], *, now: datetime, width: int) -> Iterator[Text]:
    """Yield dead letters as aligned lines, each followed by its order and reason."""
    table: list[tuple[str, ...]] = [("message", "consumer", "event", "error", "tries", "age")]
    table += [_columns(dead_letter, now) for dead_letter in dead_letters]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    others = sum(widths) - widths[3] + len(_GAP) * (len(widths) - 1)
    widths[3] = max(min(widths[3], width - others), len("error"))
    yield Text(_aligned(table[0], widths), style="bold")
    for dead_letter, row in zip(dead_letters, table[1:], strict=True):
        yield Text(_aligned(row, widths))
        yield from _below(_order_and_reason(dead_letter), SHORT + len(_GAP), width)


def attempted(attempt: Attempt, *, width: int) -> Iterator[Text]:
    """Yield an attempt as a line, followed by the reason if it failed."""
    dead_letter = attempt.dead_letter
    sign, colour = SIGNS[attempt.result]
    line = Text(f"{_GAP}")
    line.append(sign, style=colour)
    line.append(f" {dead_letter.consumer:<15} ")
    if attempt.result is Result.UNRECOGNISED:
        yield line.append(f"message {dead_letter.message_id[:SHORT]}")
        yield from _below(_unrecognised(dead_letter), 4, width)
        return
    yield line.append(f"{dead_letter.step:<18} {dead_letter.order_id or '?'}")
    if attempt.error or attempt.reason:
        yield from _below(cause(attempt.error, attempt.reason), 4, width)


def details(dead_letter: DeadLetter, *, now: datetime) -> Iterator[str]:
    """Yield everything known about a dead letter, its body last, without package frames."""
    fields = {
        "message": dead_letter.message_id,
        "queue": f"{dead_letter.consumer}, {_kind(dead_letter)}",
        "since": f"{dead_letter.sent_at:%Y-%m-%d %H:%M:%S} UTC, {age(dead_letter, now)} ago",
        "order": dead_letter.order_id,
        "event": dead_letter.event_id or dead_letter.event_type,
        "error": cause(dead_letter.error, dead_letter.reason),
        "tries": str(dead_letter.attempts or ""),
        "not ours": dead_letter.unrecognised,
    }
    for name, value in fields.items():
        if value:
            yield f"{name:<9} {value}"
    for name, value in sorted(dead_letter.attributes.items()):
        yield _printable(f"attribute {name}: {value}")
    yield _printable(_indented(dead_letter.body))


def summary(counts: dict[Result, int]) -> str:
    """Return the counts of a redrive's results as text."""
    text = f"{counts[Result.REDRIVEN]} redriven, {counts[Result.FAILED_AGAIN]} failed again"
    if unrecognised := counts[Result.UNRECOGNISED]:
        text += f", {unrecognised} not ours and left alone"
    return text


def cause(error: str, reason: str) -> str:
    """Return an error and its reason as one text."""
    return f"{error}: {reason}".strip(": ")


def age(dead_letter: DeadLetter, now: datetime) -> str:
    """Return how long a dead letter has been in its queue, in at most three characters."""
    return in_largest_unit((now - dead_letter.sent_at).total_seconds())


def in_largest_unit(seconds: float) -> str:
    """Return a duration in whole days, hours, minutes or seconds, such as 5m; not below 0s."""
    seconds = max(int(seconds), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def count(number: int, what: str) -> str:
    """Return a number of things as text."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def held(number: int) -> str:
    """Return the sentence about messages that another command has received; empty for none."""
    if not number:
        return ""
    are = "is" if number == 1 else "are"
    return (
        f"{count(number, 'dead letter')} {are} invisible: another command has received them. "
        "If it was killed, they are visible again within two minutes."
    )


def not_shown(stack: Stack, absent: Sequence[str]) -> str:
    """Return the sentence about dead-letter queues that do not exist.

    Args:
        stack: The stack.
        absent: The queues' names, at least one.
    """
    again = f"make up STAGE={stack.stage}" if stack.target.own else "make deploy"
    return (
        f"Not shown, because the queue is missing: {', '.join(absent)}. Recreate it with: {again}"
    )


def content(body: str) -> Any:
    """Return a message's body, parsed, without package frames; None if it is not JSON."""
    try:
        found = json.loads(body)
        with suppress(AttributeError, TypeError):  # of another form than Lambda's record
            trace = found.get("responsePayload", {}).get("stackTrace", [])
            trace[:] = [frame for frame in trace if shorten(frame)]
    except (ValueError, RecursionError):
        return None
    return found


def _columns(dead_letter: DeadLetter, now: datetime) -> tuple[str, ...]:
    return (
        dead_letter.message_id[:SHORT],
        dead_letter.consumer,
        dead_letter.step,
        dead_letter.error,
        str(dead_letter.attempts or "?"),
        age(dead_letter, now),
    )


def _aligned(row: Iterable[str], widths: Sequence[int]) -> str:
    cells = []
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shown = cell if len(cell) <= width else f"{cell[: width - 1]}…"
        cells.append(shown.rjust(width) if place == 4 else shown.ljust(width))
    return _GAP.join(cells).rstrip()


def _order_and_reason(dead_letter: DeadLetter) -> Text:
    if dead_letter.unrecognised:
        return _unrecognised(dead_letter)
    order = dead_letter.order_id or "an event without an order's id"
    kind = "not delivered: " if dead_letter.queue == UNDELIVERED else ""
    return Text(f"{order}: {kind}{dead_letter.reason}".rstrip(": "), style="dim")


def _unrecognised(dead_letter: DeadLetter) -> Text:
    return Text(f"left alone: {dead_letter.unrecognised}", style="yellow")


def _kind(dead_letter: DeadLetter) -> str:
    if dead_letter.queue == UNDELIVERED:
        return "undelivered (EventBridge could not deliver)"
    if dead_letter.queue == UNPROCESSED:
        return "unprocessed (the function failed with a message of its buffer)"
    return "failed (the function failed)"


def _below(text: Text | str, indent: int, width: int) -> Iterator[Text]:
    """Yield a text, wrapped and indented."""
    style = text.style if isinstance(text, Text) else "red"
    columns = max(width - indent, _NARROWEST)
    for line in textwrap.wrap(str(text), columns, break_on_hyphens=False):
        yield Text(f"{' ' * indent}{line}", style=style)


def _printable(text: str) -> str:
    """Replace control characters: anybody may have sent the message."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def _indented(body: str) -> str:
    found = content(body)
    return body if found is None else json.dumps(found, indent=2, ensure_ascii=False)
