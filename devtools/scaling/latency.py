"""How long an order takes from the request to the prepared shipment."""

from dataclasses import dataclass

from devtools.scaling import order
from devtools.scaling.data import quotas
from devtools.scaling.order import Shape

HOPS = ("payment", "inventory", "shipping")
"""The functions an order goes through after order-api, one after the other."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A part of the way; times in seconds, the usual one and one that 1 in 100 exceeds.

    `origin` is where they are from: `measured` by others on AWS, or an `estimate`.
    """

    what: str
    usual: float
    slow: float
    origin: str


def way(shape: Shape) -> list[Hop]:
    """Return an order's way, hop by hop."""
    bus, slow_bus = quotas()["bus-p50"].value, quotas()["bus-p99"].value
    cold = order.assumed("cold_start_seconds")
    found = [Hop("order-api", shape.run_seconds, shape.run_seconds + cold, "estimate")]
    for function in HOPS:
        works = shape.run_seconds + (shape.gateway_seconds if function == "payment" else 0)
        found.append(Hop(f"bus, to {function}", bus, slow_bus, "measured"))
        found.append(Hop(function, works, works + cold, "estimate"))
    return found


def whole(shape: Shape) -> Hop:
    """Return the sum; a slow order is slow at one hop of the bus and in one cold start only."""
    hops = way(shape)
    usual = sum(hop.usual for hop in hops)
    origins = sorted({hop.origin for hop in hops})
    worst = [max(hop.slow - hop.usual for hop in hops if hop.origin == one) for one in origins]
    return Hop("all of it", usual, usual + sum(worst), "estimate")
