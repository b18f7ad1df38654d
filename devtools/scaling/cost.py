"""What orders cost, in US dollars."""

from dataclasses import dataclass

from devtools.scaling import order
from devtools.scaling.data import prices
from devtools.scaling.order import SHIPPED, Shape

MILLION = 1_000_000
GB = 1_000_000_000
SECONDS_A_MONTH = 730 * 3600
FREE_ALARMS = 10
FREE_METRICS = 10
REDRIVE_REQUESTS = 2.1
"""To SQS for each message: a tenth of a receive, one to hold it, one to delete it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bill for an order.

    Attributes:
        name: What AWS counts: `writes`, `logs`, `events`, `runs`, `time`, `api`, `queues`.
        amount: How much of it an order takes, in the price's unit.
        price: The price's name.
    """

    name: str
    amount: float
    price: str

    @property
    def dollars_a_million(self) -> float:
        """What a million orders pay for it."""
        return self.amount * MILLION * prices()[self.price].each


def bill(shape: Shape, ending: str = SHIPPED) -> list[Line]:
    """Return what an order costs, the largest first for a usual one."""
    runs = order.runs(ending).total()
    letters = order.dead_letters(ending)
    lines = [
        Line("writes", order.units_by_table(shape, ending).total(), "dynamodb-write"),
        Line("logs", runs * order.assumed("log_bytes") / GB, "logs"),
        Line("events", order.events(ending), "events"),
        Line("runs", runs, "lambda-request"),
        Line("time", order.run_seconds(shape, ending) * order.assumed("memory_gb"), "lambda-time"),
        Line("api", 1, "http-api"),
        Line("queues", letters * (1 + REDRIVE_REQUESTS), "sqs"),
    ]
    return [line for line in lines if line.amount]


def a_million(shape: Shape, ending: str = SHIPPED) -> float:
    """Return what a million orders cost, in dollars, not rounded."""
    return sum(line.dollars_a_million for line in bill(shape, ending))


def a_month(rate: float, shape: Shape) -> float:
    """Return what a month of `rate` orders a second costs, not rounded, without what is kept."""
    return a_million(shape) * rate * SECONDS_A_MONTH / MILLION


def kept_a_month(rate: float, shape: Shape) -> float:
    """Return by how much each month's orders make the following months' bills grow."""
    price = prices()["dynamodb-storage"].each + prices()["dynamodb-backup"].each
    return order.kept_bytes(shape) * rate * SECONDS_A_MONTH / GB * price


def provisioned_share() -> float:
    """Return what a write costs in a provisioned unit that is always busy, on demand being 1."""
    return prices()["dynamodb-provisioned-write"].each / 3600 / prices()["dynamodb-write"].each


def alarms_a_month(number: int) -> float:
    """Return what so many alarms cost a month."""
    return max(0, number - FREE_ALARMS) * prices()["alarm"].each


def metrics_a_month() -> float:
    """Return what metrics of our own cost a month, while orders are shipped."""
    number = order.assumed("metrics_per_order") + order.assumed("metrics_of_reconciler")
    return max(0.0, number - FREE_METRICS) * prices()["metric"].each


def traces_a_million(share: float) -> float:
    """Return what X-Ray asks for a million orders at the most: each run a trace of its own."""
    return order.runs().total() * share * MILLION * prices()["trace"].each
