"""Dead letters and attempts to bring them back, for people to read."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.text import Text

from workshop.recovery.dead_letters import UNDELIVERED, Attempt, DeadLetter, Result

SHORT = 8
"""Characters of a message's id that are shown, and that name it well enough."""

SIGNS = {
    Result.REDRIVEN: ("✓", "green"),
    Result.FAILED_AGAIN: ("✗", "red"),
    Result.FOREIGN: ("–", "yellow"),
}

_NARROWEST = 40
"""Columns that a reason has at least, however narrow the terminal."""
_GAP = "  "


def listed(letters: Sequence[DeadLetter], *, now: datetime, width: int) -> Iterator[Text]:
    """Yield dead letters as aligned lines, each followed by its order and its reason."""
    table: list[tuple[str, ...]] = [("message", "consumer", "event", "error", "tries", "age")]
    table += [_columns(letter, now) for letter in letters]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    others = sum(widths) - widths[3] + len(_GAP) * (len(widths) - 1)
    widths[3] = max(min(widths[3], width - others), len("error"))
    yield Text(_aligned(table[0], widths), style="bold")
    for letter, row in zip(letters, table[1:], strict=True):
        yield Text(_aligned(row, widths))
        yield from _below(_order_and_reason(letter), SHORT + len(_GAP), width)


def attempted(attempt: Attempt, *, width: int) -> Iterator[Text]:
    """Yield an attempt as a line, followed by the reason if it failed."""
    letter = attempt.letter
    sign, colour = SIGNS[attempt.result]
    line = Text(f"{_GAP}")
    line.append(sign, style=colour)
    line.append(f" {letter.consumer:<15} ")
    if attempt.result is Result.FOREIGN:
        yield line.append(f"message {letter.message_id[:SHORT]}")
        yield from _below(_foreign(letter), 4, width)
        return
    yield line.append(f"{letter.step:<18} {letter.order_id or '?'}")
    if attempt.error or attempt.reason:
        yield from _below(cause(attempt.error, attempt.reason), 4, width)


def whole(letter: DeadLetter, *, now: datetime) -> Iterator[str]:
    """Yield all that is known of a dead letter, its content last."""
    told = {
        "message": letter.message_id,
        "queue": f"{letter.consumer}, {_kind(letter)}",
        "since": f"{letter.sent_at:%Y-%m-%d %H:%M:%S} UTC, {age(letter, now)} ago",
        "order": letter.order_id,
        "event": letter.event_id or letter.event_type,
        "error": cause(letter.error, letter.reason),
        "tries": str(letter.attempts),
        "not ours": letter.foreign,
    }
    for name, value in told.items():
        if value:
            yield f"{name:<9} {value}"
    for name, value in sorted(letter.attributes.items()):
        yield _printable(f"attribute {name}: {value}")
    yield _printable(_indented(letter.body))


def summary(counts: dict[Result, int]) -> str:
    """Return in words what a redrive came to."""
    words = f"{counts[Result.REDRIVEN]} redriven, {counts[Result.FAILED_AGAIN]} failed again"
    if foreign := counts[Result.FOREIGN]:
        words += f", {foreign} not ours and left alone"
    return words


def cause(error: str, reason: str) -> str:
    """Return an error and its reason as one."""
    return f"{error}: {reason}".strip(": ")


def age(letter: DeadLetter, now: datetime) -> str:
    """Return how long a dead letter has been in its queue, in at most three characters."""
    seconds = max(int((now - letter.sent_at).total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _columns(letter: DeadLetter, now: datetime) -> tuple[str, ...]:
    return (
        letter.message_id[:SHORT],
        letter.consumer,
        letter.step,
        letter.error,
        str(letter.attempts),
        age(letter, now),
    )


def _aligned(row: Iterable[str], widths: Sequence[int]) -> str:
    cells = []
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        shown = cell if len(cell) <= width else f"{cell[: width - 1]}…"
        cells.append(shown.rjust(width) if place == 4 else shown.ljust(width))
    return _GAP.join(cells).rstrip()


def _order_and_reason(letter: DeadLetter) -> Text:
    if letter.foreign:
        return _foreign(letter)
    order = letter.order_id or "an event without an order's id"
    kind = "not delivered: " if letter.queue == UNDELIVERED else ""
    return Text(f"{order}: {kind}{letter.reason}".rstrip(": "), style="dim")


def _foreign(letter: DeadLetter) -> Text:
    return Text(f"left alone: {letter.foreign}", style="yellow")


def _kind(letter: DeadLetter) -> str:
    if letter.queue == UNDELIVERED:
        return "undelivered (EventBridge could not deliver)"
    return "failed (the function failed)"


def _below(text: Text | str, indent: int, width: int) -> Iterator[Text]:
    """Wrap a text below a line."""
    style = text.style if isinstance(text, Text) else "red"
    room = max(width - indent, _NARROWEST)
    for line in textwrap.wrap(str(text), room, break_on_hyphens=False):
        yield Text(f"{' ' * indent}{line}", style=style)


def _printable(text: str) -> str:
    """Take out what a terminal would obey: anybody may have sent a message."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
