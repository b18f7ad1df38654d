"""What the page of an order shows: its rows, how they changed, and its waterfall."""

import json
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from workshop.board.masking import HIDDEN, PERSONAL, masked
from workshop.board.page import Board
from workshop.board.reading import Reading
from workshop.deployment.local import delivery_records
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import advice, following, logs, order_rows
from workshop.journeys.order_rows import Row
from workshop.journeys.svg import responsive
from workshop.journeys.waterfall import waterfall_of
from workshop.stages import flow

PAUSE_SECONDS = 0.5
"""Between two reads while events of the order happen."""
SETTLED_SECONDS = 5.0
"""Between two reads while none do: a log line comes later than its event."""

WATCHED = 20
"""The most orders whose changes are remembered."""
CHANGES = 50
"""The most changes that are remembered for one order."""

NOTHING = "–"

_TIMES = "_at"
"""The end of the names of times: they change with every other attribute."""
_JSON_TEXT = ("{", "[")
_LONG = 120
"""Characters of a value that is shown at once."""


@dataclass(frozen=True)
class OrderNow:
    """What one read returned.

    Attributes:
        rows: Table's key → the order's item.
        waterfall: The waterfall as HTML; empty if nothing was logged.
        settled: Whether the order's status is final at the stack's stage.
        succeeded: Whether it is the final status of a successful order.
        advice: Why it is stalled and what helps, one sentence each; empty if it is not stalled.
    """

    rows: Mapping[str, Row] = field(default_factory=dict)
    waterfall: str = ""
    settled: bool = False
    succeeded: bool = False
    advice: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The order's status; empty if it has none."""
        return str(self.rows.get("orders", {}).get("status", ""))


@dataclass(frozen=True)
class Change:
    """A change of an item, as the page saw it.

    Attributes:
        time: When it happened, as the item's own times say; without one, when the page read it.
        table: The table's key.
        parts: The attributes that `make follow` shows too, without times: name, value before,
            value after.
    """

    time: str
    table: str
    parts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Cell:
    """An attribute of an item.

    Attributes:
        name: Its name.
        text: Its value, on one line or as indented JSON.
        folded: Whether the value is long.
        before: The value before the item's last change; None if it did not change then.
    """

    name: str
    text: str
    folded: bool
    before: str | None


def read(stack: Stack, order_id: str, before: OrderNow | None) -> OrderNow:
    """Return an order as it is now.

    Args:
        stack: The stack.
        order_id: Which order.
        before: The result of the last read; advice for an unchanged order is taken from it.

    Raises:
        ClientError: AWS refused a request.
        WorkshopError: The cloud does not respond.
    """
    is_idle = following.idle(stack)  # first: what is read after True is final
    rows = order_rows.rows(stack, order_id)
    since = logs.start_of_logs(rows.get("orders"))
    hops = logs.hops(stack, order_id, since)
    names = stack.outputs.function_keys
    deliveries = delivery_records.of(stack, order_id) if stack.target.own else None
    try:
        drawn = responsive(waterfall_of(hops, deliveries, names), name="order-journey")
    except WorkshopError:
        drawn = ""  # nothing is logged yet
    status = str(rows["orders"]["status"]) if "orders" in rows else None
    settled = order_rows.is_settled(stack, status)
    found: tuple[str, ...] = ()
    if status and is_idle and not settled:
        if before and before.advice and (before.rows, before.waterfall) == (rows, drawn):
            found = before.advice  # looking into the queues hides their messages for a moment
        else:
            shown = sorted([*hops, *logs.delivery_hops(stack, order_id)])
            reason = advice.reason_of(status, shown, given_up=True, seconds=0)
            found = (reason, *advice.of(stack, order_id, shown, given_up=True))
    succeeded = status == order_rows.final_status(stack)
    return OrderNow(rows, drawn, settled, succeeded, found)


class WatchedOrder:
    """An order that a browser watches, with the changes that were seen.

    Args:
        board: The board.
        order_id: Which order.
    """

    def __init__(self, board: Board, order_id: str) -> None:
        self.order_id = order_id
        self.changes: deque[Change] = deque(maxlen=CHANGES)
        self._events = board.feed
        self._rows: Mapping[str, Row] | None = None
        self._before: dict[str, dict[str, Any]] = {}
        self.reading: Reading[OrderNow] = Reading(
            board,
            lambda stack: read(stack, order_id, self.reading.value),
            pause=PAUSE_SECONDS,
            settled=SETTLED_SECONDS,
            revision=self._revision,
        )

    @property
    def now(self) -> OrderNow:
        """The order at the last read, whose changes are noted."""
        now = self.reading.value or OrderNow()
        if self.reading.value is not None and now.rows is not self._rows:
            self._note(self._rows, now.rows)
            self._rows = now.rows
        return now

    def newest_changes(self) -> list[Change]:
        """Return the changes that were seen, the newest first."""
        newest_first = list(self.changes)[::-1]  # of the same time, the last one first
        return sorted(newest_first, key=lambda each: each.time, reverse=True)

    def cells(self, table: str, *, personal: bool) -> list[Cell]:
        """Return the attributes of an item, the important ones first.

        Args:
            table: The table's key.
            personal: Whether to show personal data.
        """
        row, described = self.now.rows.get(table, {}), flow().tables[table]
        first = [name for name in (described.key, *described.shows) if name in row]
        changed = self._before.get(table, {})
        return [
            Cell(
                name,
                text := _text(name, row.get(name), personal=personal),
                "\n" in text or len(text) > _LONG,
                _text(name, changed[name], personal=personal) if name in changed else None,
            )
            for name in dict.fromkeys([*first, *sorted(row), *sorted(changed)])
        ]

    def _revision(self) -> int:
        lines = self._events.events.of_order(self.order_id)
        return max((line.revision for line in lines), default=0)

    def _note(self, before: Mapping[str, Row] | None, after: Mapping[str, Row]) -> None:
        """Note what changed between two reads; the first read changes nothing."""
        if before is None:
            return
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        for table in flow().tables:
            old, new = before.get(table, {}), after.get(table, {})
            names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
            if not names:
                continue
            self._before[table] = {name: old.get(name) for name in names if old}
            parts = tuple(
                (name, _text(name, old.get(name)), _text(name, new.get(name)))
                for name in flow().tables[table].shows
                if name in names and not name.endswith(_TIMES)
            )
            self.changes.append(Change(_changed_at(names, new) or moment, table, parts))


class WatchedOrders:
    """The orders that were watched last.

    Args:
        board: The board.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._orders: OrderedDict[tuple[int, str], WatchedOrder] = OrderedDict()

    def get(self, order_id: str) -> WatchedOrder:
        """Return an order; a cloud that restarted has others."""
        key = (self._board.feed.generation, order_id)
        if key not in self._orders:
            self._orders[key] = WatchedOrder(self._board, order_id)
        self._orders.move_to_end(key)
        while len(self._orders) > WATCHED:
            self._orders.popitem(last=False)
        return self._orders[key]


def _changed_at(names: Iterable[str], row: Row) -> str:
    """Return the newest of the times that have changed in an item; empty if none has."""
    times = (str(row.get(name, "")) for name in names if name.endswith(_TIMES))
    return max((each for each in times if _is_time(each)), default="")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) > len("2026-01-15")


def _text(name: str, value: Any, *, personal: bool = False) -> str:
    """Return a value for people: JSON in a text is indented, and personal data hidden."""
    if value is None:
        return NOTHING
    if name in PERSONAL and not personal:
        return HIDDEN
    opened = _opened(value)
    if not personal:
        opened = masked(opened)
    if not isinstance(opened, dict | list):
        return str(opened)
    if isinstance(value, str):
        return json.dumps(opened, indent=2, ensure_ascii=False, default=str)
    return ", ".join(_pairs(opened))


def _pairs(value: Any) -> Iterator[str]:
    """Yield the parts of a map or list on one line."""
    match value:
        case dict():
            for key, inner in value.items():
                text = ", ".join(_pairs(inner))
                yield f"{key} ({text})" if isinstance(inner, dict | list) else f"{key} {text}"
        case list():
            for inner in value:
                yield " ".join(_pairs(inner))
        case _:
            yield str(value)


def _opened(value: Any) -> Any:
    """Return the object in a JSON text; any other value as it is."""
    if isinstance(value, str) and value.startswith(_JSON_TEXT):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
