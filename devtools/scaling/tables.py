"""The tables of docs/cost.md."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from devtools.scaling import cost, order
from devtools.scaling.data import Price, prices, read
from devtools.scaling.order import Shape
from workshop.errors import UsageError

MOST_LINES = 20
"""Of an order, as the API's schema says."""


def table(name: str) -> str:
    """Return a table as Markdown.

    Raises:
        UsageError: There is no such table.
    """
    if name not in TABLES:
        raise UsageError(f"there is no table {name!r}: {', '.join(TABLES)}")
    return TABLES[name]()


def requests() -> str:
    """Return the AWS requests of a shipped order."""
    why = read("order")["why"]
    made = order.requests()
    rows = [(*each.split(), made[tuple(each.split())], reason) for each, reason in why.items()]
    return _table(("function", "request", "times", "why"), rows)


def reconciler() -> str:
    """Return the AWS requests of the reconciler for a stalled order."""
    return _table(("request of the reconciler", "per order"), order.reconciler_requests().items())


def bill() -> str:
    """Return the cost of a million usual orders, line by line."""
    units = order.units_by_table(order.usual())
    tables = ", ".join(f"{name.title()} {units[name]}" for name in units)
    milliseconds = round(order.assumed("run_seconds") * 1000)
    memory = round(order.assumed("memory_gb") * 1024)
    what = {
        "writes": f"DynamoDB write units: {tables}",
        "logs": f"CloudWatch Logs, about {order.assumed('log_bytes') / 1000:g} kB a run",
        "events": "EventBridge custom events",
        "runs": "Lambda requests",
        "time": f"Lambda time on arm64, about {milliseconds} ms of {memory} MB a run",
        "api": "HTTP API requests",
    }
    amounts = {"logs": "{:g} kB", "time": "{:g} GB-s"}
    scale = {"logs": cost.MILLION}
    rows = [
        (
            what[line.name],
            amounts.get(line.name, "{:g}").format(line.amount * scale.get(line.name, 1)),
            _price(prices()[line.price]),
            f"${line.dollars_a_million:.0f}",
        )
        for line in cost.bill(order.usual())
    ]
    rows.append(("**all of it**", "", "", f"**${cost.a_million(order.usual()):.0f}**"))
    return _table(("what", "units an order", "price", "per million orders"), rows)


def others() -> str:
    """Return the cost of larger orders, and of orders with another final status."""
    larger = replace(order.usual(), lines=MOST_LINES)
    rows = [
        _other("is shipped", order.usual(), order.SHIPPED),
        _other(f"is shipped, with {MOST_LINES} lines", larger, order.SHIPPED),
        _other("ends with a declined payment", order.usual(), "declined"),
        _other("is out of stock: paid, refused, refunded", order.usual(), "refunded"),
        _other("finds no gateway, is a dead letter, is redriven", order.usual(), "redriven"),
    ]
    return _table(("the order", "runs", "events", "write units", "per million orders"), rows)


def beside() -> str:
    """Return the costs in addition to the orders' own requests."""
    tracing = order.assumed("tracing_share")
    rows = [
        ("a million orders kept, with backups", f"${cost.kept_a_month(order.usual()):.2f} a month"),
        ("archive of the events", f"${cost.archive_a_million():.2f} per million orders"),
        (
            f"X-Ray traces of {tracing:.0%} of the runs".replace("%", " %"),
            f"at most ${cost.traces_a_million():.2f} per million orders",
        ),
        (
            "the functions' own metrics, beyond the account's first ten",
            f"${cost.metrics_a_month():.2f} a month while orders are shipped",
        ),
        (
            f"{cost.alarms()} alarms from stage 5 on, beyond the account's first ten",
            f"${cost.alarms_a_month():.2f} a month, with or without orders",
        ),
    ]
    return _table(("what", "dollars"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "requests": requests,
    "reconciler": reconciler,
    "bill": bill,
    "others": others,
    "beside": beside,
}
"""Name → what writes it."""


def _other(what: str, shape: Shape, ending: str) -> tuple[object, ...]:
    units = order.units_by_table(shape, ending).total()
    dollars = f"${cost.a_million(shape, ending):.0f}"
    return what, order.runs(ending).total(), order.events(ending), units, dollars


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _price(price: Price) -> str:
    """`$0.625 per million write units`."""
    dollars = f"{price.dollars:.2f}" if round(price.dollars, 2) == price.dollars else price.dollars
    per = "million " if price.per == cost.MILLION else ""
    return f"${dollars} per {per}{price.unit if per else price.unit.removesuffix('s')}"
