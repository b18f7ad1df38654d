"""The cost of orders in US dollars."""

import json
from dataclasses import dataclass

from devtools.scaling import order
from devtools.scaling.data import prices
from devtools.scaling.order import SHIPPED, Shape
from workshop.paths import ROOT, SERVICE_STAGES, in_stages

MILLION = 1_000_000
GB = 1_000_000_000
FREE_ALARMS = 10
FREE_METRICS = 10
REDRIVE_REQUESTS = 2.1
"""SQS requests per message: a tenth of a receive, one visibility change, one delete."""

WITHOUT_EVENTS = 3
"""Functions that no event starts: order-api, redrive, reconciler."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill for an order.

    Attributes:
        name: The counted item: `writes`, `logs`, `events`, `runs`, `time`, `api`, `queues`.
        amount: The amount per order, in the price's unit.
        price: The price's name.
    """

    name: str
    amount: float
    price: str

    @property
    def dollars_a_million(self) -> float:
        """Return its cost for a million orders."""
        return self.amount * MILLION * prices()[self.price].each


def bill(shape: Shape, ending: str = SHIPPED) -> list[Line]:
    """Return the lines of an order's bill, the largest of a usual order first."""
    runs = order.runs(ending).total()
    lines = [
        Line("writes", order.units_by_table(shape, ending).total(), "dynamodb-write"),
        Line("logs", runs * order.assumed("log_bytes") / GB, "logs"),
        Line("events", order.events(ending), "events"),
        Line("runs", runs, "lambda-request"),
        Line("time", order.run_seconds(ending) * order.assumed("memory_gb"), "lambda-time"),
        Line("api", 1, "http-api"),
        Line("queues", order.dead_letters(ending) * (1 + REDRIVE_REQUESTS), "sqs"),
    ]
    return [line for line in lines if line.amount]


def a_million(shape: Shape, ending: str = SHIPPED) -> float:
    """Return the cost of a million orders in dollars, not rounded."""
    return sum(line.dollars_a_million for line in bill(shape, ending))


def kept_a_month(shape: Shape) -> float:
    """Return the monthly cost of storing a million finished orders, with backups."""
    price = prices()["dynamodb-storage"].each + prices()["dynamodb-backup"].each
    return order.kept_bytes(shape) * MILLION / GB * price


def archive_a_million() -> float:
    """Return the cost of the bus's archive for a million orders."""
    return order.events() * order.assumed("event_bytes") * MILLION / GB * prices()["archive"].each


def traces_a_million() -> float:
    """Return the maximum cost of X-Ray for a million orders: each run has its own trace."""
    traces = order.runs().total() * order.assumed("tracing_share")
    return traces * MILLION * prices()["trace"].each


def metrics_a_month() -> float:
    """Return the monthly cost of our own metrics, while orders are shipped."""
    number = order.assumed("metrics_per_order") + order.assumed("metrics_of_reconciler")
    return max(0.0, number - FREE_METRICS) * prices()["metric"].each


def alarms() -> int:
    """Return the number of alarms of a stack from stage 5 on."""
    consumers = len(in_stages("terraform/patterns/*.json", SERVICE_STAGES))
    subjects = {"queue": 2 * consumers, "consumer": consumers, "rule": consumers}
    subjects |= {"function": WITHOUT_EVENTS, "reconciler": 1, "schedule": 1}
    subjects |= {"buffer": 0}  # by default no function has one
    kinds = json.loads((ROOT / "05-errors-dlq/terraform/alarms.json").read_text("utf-8"))
    return sum(len(listed) * subjects[kind] for kind, listed in kinds.items())


def alarms_a_month() -> float:
    """Return the monthly cost of a stack's alarms."""
    return max(0, alarms() - FREE_ALARMS) * prices()["alarm"].each
