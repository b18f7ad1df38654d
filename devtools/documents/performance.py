"""The generated parts of docs/performance.md and of the first lesson, from the bench's record."""

from collections.abc import Callable, Iterable

from devtools.bench.figures import MET, Figure, ratio, shown
from devtools.bench.losses import WORDS
from devtools.bench.record import Record, read
from workshop.errors import UsageError


def table(name: str) -> str:
    """Return a group of the record's figures as Markdown.

    Raises:
        UsageError: There is no such group.
    """
    groups = read().groups
    if name not in groups:
        raise UsageError(f"there is no group {name!r}: {', '.join(groups)}")
    return _table(
        ("what", "ours", "floor", "conventional", "budget", "met"),
        (_row(figure) for figure in groups[name]),
    )


def faults() -> str:
    """Return what each fault did to both sides as Markdown."""
    names = list(WORDS)
    head = ("fault", "orders", "side", "lost or stuck", "doubled", "wrong status")
    doubled = [name for name in names if name.endswith("twice")]
    rows = []
    for fault, sides in read().by_fault.items():
        for side, counts in sides.items():
            lost = counts["lost"] + counts["stuck"]
            twice = ", ".join(
                f"{counts[name]} {name.removesuffix('_twice')}" for name in doubled if counts[name]
            )
            first = (fault, counts["orders"]) if side == "ours" else ("", "")
            rows.append((*first, side, lost, twice or 0, counts["wrong_status"]))
    return _table(head, rows)


def machine() -> str:
    """Return where and when the record was made, in sentences."""
    found = read().machine
    run = f"from one run of {found.minutes:g} minutes" if found.minutes else "from several runs"
    text = (
        f"The record is of {found.date}, {run} on {found.cores} cores with Python {found.python}."
    )
    if found.is_busy:
        text += (
            f"\nOther programs used the machine: its load before the run was {found.load:g}.\n"
            "So the times are too long, and a ratio of two times is less certain than on a "
            "quiet machine."
        )
    return text


def not_met() -> str:
    """Return a list of the budgets that the record does not meet."""
    found = [
        f"- {each.what}: {shown(each.measured, each.unit)}, budget {each.budget}"
        for group in read().groups.values()
        for each in group
        if each.met is False
    ]
    return "\n".join(found) or "All budgets are met."


def summary() -> str:
    """Return what the design buys and costs, in three sentences."""
    record = read()
    lost = record.figure("faults", _starts(record, "lost"))
    twice = [
        record.figure("faults", _starts(record, f"{what}_twice"))
        for what in ("charged", "reserved", "shipped")
    ]
    orders = lost.what.split()[2]
    ours, other = (sum(getattr(each, of) or 0 for each in twice) for of in SIDES)
    first = record.figure("alone", "cold start of order_service.handler")
    dynamodb = record.figure("requests", "AWS requests per shipped order: DynamoDB")
    dollars = record.figure("requests", "dollars")
    return (
        f"Of {orders} orders under the same faults, this way loses {lost.measured:g} and does "
        f"{ours:g} steps twice;\n"
        f"the usual way loses {lost.conventional:g} and does {other:g} steps twice.\n"
        f"This way needs {dynamodb.measured:g} requests to DynamoDB for each order, "
        f"the usual way {dynamodb.conventional:g}.\n"
        f"A cold start with its first event takes {first.measured:.0f} ms instead of "
        f"{first.conventional:.0f} ms.\n"
        "The items of this way are larger and have indexes: a million orders cost "
        f"${dollars.measured:.0f} instead of ${dollars.conventional:.0f}."
    )


SIDES = ("measured", "conventional")


def _starts(record: Record, name: str) -> str:
    orders = record.groups["faults"][0].what.split()[2]
    return f"orders of {orders} that {WORDS[name]}"


def _row(figure: Figure) -> tuple[str, ...]:
    what = figure.what + (f" ({figure.note})" if figure.note else "")

    def beside(value: float | None) -> str:
        if value is None:
            return "–"
        times = ratio(figure.measured, value)
        text = shown(value, figure.unit)
        return f"{text} (×{times})" if value and figure.measured else text

    return (
        what,
        shown(figure.measured, figure.unit),
        beside(figure.floor),
        beside(figure.conventional),
        figure.budget,
        MET[figure.met],
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "faults": faults,
    "machine": machine,
    "not_met": not_met,
    "summary": summary,
}
"""Name of a part without a group → what writes it."""


def part(name: str) -> str:
    """Return a part of the page.

    Raises:
        UsageError: There is no such part.
    """
    if name not in PARTS:
        raise UsageError(f"there is no part {name!r}: {', '.join(PARTS)}")
    return PARTS[name]()
