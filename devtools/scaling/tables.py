"""The tables of docs/cost.md and docs/scaling.md."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from devtools.scaling import alarms, ceilings, cost, healing, latency, order
from devtools.scaling.data import Price, Source, looked_up, prices, quotas, read
from workshop.errors import UsageError

RATES = (1, 10, 100, 1000)
LINES = (1, 2, 4, 8, 20)
STANDSTILL_SECONDS = 3600
SHOWN = 9
"""Ceilings that a reader sees at once: those below a thousand orders a second are what matters."""


def region(argument: str, _page: Path) -> str:
    """Return the table of a region `<!-- scaling: argument -->`.

    Raises:
        UsageError: There is no such table.
    """
    if argument not in TABLES:
        raise UsageError(f"There is no table '{argument}': {', '.join(TABLES)}.")
    return TABLES[argument]()


def requests() -> str:
    """What a shipped order asks of AWS."""
    why = read("order")["why"]
    rows = [
        (function, request, times, why[f"{function} {request}"])
        for (function, request), times in order.requests().items()
    ]
    places = list(why)
    rows.sort(key=lambda row: places.index(f"{row[0]} {row[1]}"))
    return _table(("function", "request", "times", "why"), rows)


def reconciler() -> str:
    """What the reconciler requests of AWS for a stalled order."""
    return _table(("request of the reconciler", "per order"), order.reconciler_requests().items())


def bill() -> str:
    """What a million usual orders cost, line by line."""
    shape = order.usual()
    units = order.units_by_table(shape)
    tables = ", ".join(f"{name.title()} {units[name]}" for name in _TABLES)
    milliseconds = round(shape.run_seconds * 1000)
    memory = round(order.assumed("memory_gb") * 1024)
    what = {
        "writes": f"DynamoDB write units: {tables}",
        "logs": f"CloudWatch Logs, about {order.assumed('log_bytes') / 1000:g} kB a run",
        "events": "EventBridge custom events",
        "runs": "Lambda requests",
        "time": f"Lambda time on arm64, about {milliseconds} ms of {memory} MB a run",
        "api": "HTTP API requests",
    }
    rows = [
        (
            what[line.name],
            f"{line.amount * 1e6:g} kB" if line.name == "logs" else _amount(line),
            _price_of(prices()[line.price]),
            f"${round(line.dollars_a_million)}",
        )
        for line in cost.bill(shape)
    ]
    return _table(("what", "units an order", "price", "per million orders"), rows)


def first() -> str:
    """What breaks first: the lowest ceilings."""
    return _ceilings(slice(SHOWN))


def later() -> str:
    """What breaks after that."""
    return _ceilings(slice(SHOWN, None))


def _ceilings(some: slice) -> str:
    rows = [
        (
            shown(one),
            one.name,
            f"{one.because}{_link(quotas()[one.quota].source) if one.quota else ''}",
            one.then,
            one.remedy,
        )
        for one in ceilings.ceilings(order.usual())[some]
    ]
    head = ("orders a second", "what is full", "why there", "what happens then", "what to do")
    return _table(head, rows)


def shown(one: ceilings.Ceiling) -> str:
    """Return a ceiling's rate as people read it; `≈` before what is estimated."""
    return f"{'≈ ' if one.estimated else ''}{_round(one.rate)}"


def rates() -> str:
    """What a steady rate costs and needs."""
    shape = order.usual()
    fixed = cost.alarms_a_month(alarms.number()) + cost.metrics_a_month()
    units = order.write_units(shape)
    reached = ceilings.ceilings(shape)
    told: dict[str, Callable[[int], object]] = {
        "orders a month": lambda rate: f"{rate * cost.SECONDS_A_MONTH / cost.MILLION:,.0f} million",
        "for the orders, a month": lambda rate: _dollars(cost.a_month(rate, shape)),
        "for alarms and metrics, a month": lambda _: _dollars(fixed),
        "storage, more each month": lambda rate: _dollars(cost.kept_a_month(rate, shape)),
        "functions at once": lambda rate: _round(ceilings.concurrency(rate, shape)),
        "write units a second, Orders": lambda rate: f"{units['orders'] * rate:,}",
        "ceilings to move first": lambda rate: sum(one.rate < rate for one in reached) or "none",
    }
    rows = [(what, *(tell(rate) for rate in RATES)) for what, tell in told.items()]
    return _table(("orders a second", *(f"{rate:,}" for rate in RATES)), rows)


def sizes() -> str:
    """What a larger order does."""
    rows = []
    for lines in LINES:
        shape = replace(order.usual(), lines=lines)
        units = order.units_by_table(shape)
        rows.append(
            (
                lines,
                f"{order.item_bytes(shape, 'order'):,}",
                units["inventory"],
                units.total(),
                f"${cost.a_million(shape):.0f}",
            )
        )
    units_of = ("write units of Inventory", "of all tables")
    return _table(("lines", "bytes in Orders", *units_of, "a million orders"), rows)


def endings() -> str:
    """What each ending costs."""
    shape = order.usual()
    rows = [
        (
            _ENDINGS[ending],
            order.runs(ending).total(),
            order.events(ending),
            order.units_by_table(shape, ending).total(),
            order.dead_letters(ending),
            f"${cost.a_million(shape, ending):.0f}",
        )
        for ending in order.endings()
    ]
    head = ("the order", "runs", "events", "write units", "dead letters", "a million orders")
    return _table(head, rows)


def way() -> str:
    """How long an order takes."""
    shape = order.usual()
    hops = [*latency.way(shape), latency.whole(shape)]
    rows = [
        (
            hop.what,
            f"{hop.usual * 1000:.0f} ms",
            f"{hop.slow * 1000:,.0f} ms",
            "measured by others" + _link(quotas()["bus-p50"].source)
            if hop.origin == "measured"
            else hop.origin,
        )
        for hop in hops
    ]
    return _table(("part of the way", "usually", "1 in 100, or cold", "known from"), rows)


def standstill() -> str:
    """How long it takes to bring back an hour's orders."""
    rows = []
    for rate in RATES:
        backlog = rate * STANDSTILL_SECONDS
        redrive = healing.redrive_rate(order.usual())
        rows.append((f"{rate:,}", f"{backlog:,}", _hours(backlog, redrive)))
    redriven = 'back by `make redrive ARGS="--rate 100"`'
    return _table(("orders a second", "stand still after an hour", f"≈ {redriven}"), rows)


def price_list() -> str:
    """Where the prices are from."""
    rows = [(one.what, _price_of(one), *_read_where(one.source)) for one in prices().values()]
    return _table(("price", "US dollars", "page", "read"), rows)


def quota_list() -> str:
    """Where the quotas are from."""
    rows = [
        (one.what, f"{one.value:,g} {one.unit}", *_read_where(one.source))
        for one in quotas().values()
    ]
    return _table(("limit", "value", "page", "read"), rows)


def region_and_day() -> str:
    """In which region and on which day."""
    at = looked_up()
    return f"Region {at.region}, looked up on {at.on:%d %B %Y}.".replace(" 0", " ")


TABLES: dict[str, Callable[[], str]] = {
    "requests": requests,
    "bill": bill,
    "reconciler": reconciler,
    "ceilings": first,
    "later ceilings": later,
    "rates": rates,
    "sizes": sizes,
    "endings": endings,
    "way": way,
    "standstill": standstill,
    "prices": price_list,
    "quotas": quota_list,
    "looked-up": region_and_day,
}
"""The argument of a region → what writes it."""

_TABLES = ("orders", "payments", "inventory", "shipments")

_ENDINGS = {
    "shipped": "is shipped",
    "declined": "is not paid: the payment is declined",
    "refunded": "is out of stock: paid, refused, refunded",
    "redriven": "meets a gateway that is away, is a dead letter, comes back, is shipped",
}


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _amount(line: cost.Line) -> str:
    return f"{line.amount:g} GB-s" if line.name == "time" else f"{line.amount:g}"


def _price_of(price: Price) -> str:
    """`$0.625 per million write units`."""
    dollars = f"${price.dollars:.5f}".rstrip("0")
    if len(dollars.partition(".")[2]) < 2 or price.dollars >= 10:
        dollars = f"${price.dollars:.2f}"
    per = "million " if price.per == cost.MILLION else ""
    unit = price.unit if per else price.unit.removesuffix("s")
    return f"{dollars} per {per}{unit}"


def _read_where(source: Source) -> tuple[str, str]:
    page = f"[{_whose(source.page)}]({source.page})"
    if source.confirmed:
        return page, "there"
    return page, f"[elsewhere]({source.read_at})" if source.read_at else "not confirmed"


def _whose(page: str) -> str:
    if not page.startswith("https://"):
        return "ours"
    return "AWS" if "aws.amazon.com/" in page else "others"


def _link(source: Source) -> str:
    return f" ([source]({source.page}))"


def _round(number: float) -> str:
    """Return a number as it is, or to two figures when it is not whole."""
    if number == round(number):
        return f"{number:,.0f}"
    return f"{number:.1f}" if number < 10 else f"{round(number, -1 if number >= 100 else 0):,.0f}"


def _dollars(amount: float) -> str:
    return f"${amount:,.0f}"


def _hours(backlog: float, rate: float) -> str:
    hours = healing.hours(backlog, rate)
    return f"{hours * 60:,.0f} min" if hours < 2 else f"{hours:,.0f} h"
