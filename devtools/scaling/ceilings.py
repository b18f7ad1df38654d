"""What breaks first: for each limit, the orders a second at which it is reached."""

from dataclasses import dataclass

from devtools.scaling import contention, order
from devtools.scaling.data import quotas
from devtools.scaling.order import Shape


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A limit, seen from the orders.

    Attributes:
        name: Short, for tables and pictures.
        rate: Orders a second at which it is reached.
        because: How the rate follows from the quota.
        then: What a user of the system sees.
        remedy: What moves it up.
        quota: The quota's name; empty when it is an estimate of ours.
        estimated: It rests on an estimate, not on counted requests and AWS's quotas alone.
    """

    name: str
    rate: float
    because: str
    then: str
    remedy: str
    quota: str
    estimated: bool = False


def ceilings(shape: Shape) -> list[Ceiling]:
    """Return all ceilings, the lowest first."""
    found = [*_functions(shape), *_stock(), *_indexes(shape), *_tables(shape), *_ways()]
    return sorted(found, key=lambda one: one.rate)


def concurrency(rate: float, shape: Shape) -> float:
    """Return how many functions are at work at once (Little's law: rate × duration)."""
    return rate * order.run_seconds(shape)


def _functions(shape: Shape) -> list[Ceiling]:
    busy = order.run_seconds(shape)
    runs = order.runs()
    cold = order.assumed("cold_start_seconds")
    started = busy + runs.total() * cold
    limit, new = quotas()["concurrency"].value, quotas()["new-account-concurrency"].value
    busiest = max(runs.values())
    return [
        Ceiling(
            "Lambda in a new account",
            new / busy,
            f"{new:,.0f} at once ÷ {busy:g} s of work an order",
            "orders wait, at the API they are refused",
            "ask AWS for the usual 1,000; it comes by itself with use",
            "new-account-concurrency",
            estimated=True,
        ),
        Ceiling(
            "a start from nothing",
            limit / started,
            f"{limit:,.0f} at once ÷ {started:g} s an order, cold starts included",
            "for a second or two the API refuses orders, events wait",
            "send more little by little; provisioned concurrency for order-api",
            "concurrency",
            estimated=True,
        ),
        Ceiling(
            "new environments of order-tracker",
            quotas()["scaling"].value / (busiest * (cold + shape.run_seconds)),
            f"{quotas()['scaling'].value:,.0f} at the start ÷ {busiest} runs of "
            f"{cold + shape.run_seconds:g} s, cold",
            "events wait some seconds",
            "none needed: Lambda keeps them and tries again",
            "scaling",
            estimated=True,
        ),
        Ceiling(
            "Lambda in any account",
            limit / busy,
            f"{limit:,.0f} at once ÷ {busy:g} s of work an order",
            "events wait for up to an hour, orders at the API are refused",
            "ask AWS for more; reserve some for order-api",
            "concurrency",
            estimated=True,
        ),
    ]


def _stock() -> list[Ceiling]:
    seconds = order.assumed("conflict_seconds")
    units = order.TRANSACTIONAL
    limit = quotas()["partition"].value
    split = "divide its stock into several items, and take from one at random"
    return [
        Ceiling(
            "one SKU that everybody wants: conflicts",
            contention.bearable_rate(seconds),
            f"a try meets another order with a chance of rate × {seconds * 1000:g} ms; one order "
            f"in a thousand does {contention.TRIES} times running",
            "the order waits a minute for Lambda's next try; after three it is a dead letter",
            f"{split}; or let one queue for each SKU reserve many orders at once",
            "",
            estimated=True,
        ),
        Ceiling(
            "one SKU that everybody wants: writes",
            limit / units,
            f"{limit:,.0f} write units an item ÷ {units} for a write in a transaction",
            "the transaction is throttled and tried again",
            split,
            "partition",
        ),
    ]


def _indexes(shape: Shape) -> list[Ceiling]:
    limit = quotas()["partition"].value
    units = order.write_units(shape)
    return [
        Ceiling(
            f"index {name}",
            limit / units[name],
            f"{limit:,.0f} write units a partition ÷ {units[name]} an order, all under one key",
            f"the index holds its table up: every write to {index.table.title()} is throttled",
            "put a number from 0 to 9 behind the key, and ask for all ten",
            "partition",
        )
        for name, index in order.indexes().items()
        if index.one_key
    ]


def _tables(shape: Shape) -> list[Ceiling]:
    found = []
    for name, units in order.write_units(shape).items():
        if name in order.indexes():
            continue  # each has fewer writes than its table, and the same quota
        new, most = quotas()["new-table"].value, quotas()["table"].value
        found += [
            Ceiling(
                f"table {name.title()}, new",
                new / units,
                f"{new:,.0f} write units ÷ {units} an order",
                "writes are throttled until the table has grown",
                "set its warm throughput before, or double the rate every 30 minutes",
                "new-table",
            ),
            Ceiling(
                f"table {name.title()}",
                most / units,
                f"{most:,.0f} write units ÷ {units} an order",
                "writes are throttled",
                "ask AWS for more",
                "table",
            ),
        ]
    return found


def _ways() -> list[Ceiling]:
    events, deliveries = order.events(), order.deliveries()
    return [
        Ceiling(
            "our own throttle of the API",
            quotas()["own-throttle"].value,
            "set in Terraform, one request an order",
            "429, the customer tries again",
            "raise it in 01-order-service/terraform/api.tf",
            "own-throttle",
        ),
        Ceiling(
            "API Gateway",
            quotas()["gateway"].value,
            "one request an order, all of the account's APIs together",
            "429",
            "ask AWS for more",
            "gateway",
        ),
        Ceiling(
            "PutEvents",
            quotas()["put-events"].value / events,
            f"{quotas()['put-events'].value:,.0f} requests ÷ {events} an order",
            "the publisher tries again, then Lambda does",
            "ask AWS for more",
            "put-events",
        ),
        Ceiling(
            "deliveries of the bus",
            quotas()["bus-invocations"].value / deliveries,
            f"{quotas()['bus-invocations'].value:,.0f} ÷ {deliveries} an order",
            "events come later; none is lost",
            "ask AWS for more, or a narrower rule for the tracker",
            "bus-invocations",
        ),
    ]
