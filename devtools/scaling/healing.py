"""How long it takes to bring back what a standstill left behind."""

from devtools.scaling import order
from devtools.scaling.data import quotas
from devtools.scaling.order import Shape


def reconciler_rate() -> float:
    """Return the orders a second that the reconciler announces again."""
    minutes = quotas()["reconciler-minutes"].value
    return quotas()["reconciler-orders"].value / (minutes * 60)


def redrive_rate(shape: Shape) -> float:
    """Return the dead letters a second that a redrive hands over: it waits for each answer."""
    each = shape.run_seconds + shape.gateway_seconds + order.assumed("redrive_seconds")
    return min(quotas()["redrive-rate"].value, 1 / each)


def hours(backlog: float, rate: float) -> float:
    """Return how long a backlog takes at so many a second."""
    return backlog / rate / 3600
