"""AWS requests that one shipped order makes, by what AWS counts and bills."""

from devtools.bench.figures import Figure
from devtools.scaling import order

SMALLEST = {
    # Order, reservation and shipment once; payment's intent and outcome; the status after each of
    # four events.
    "DynamoDB": 3 + 2 + 4,
    # Each of the four steps publishes once.
    "EventBridge": 4,
    # The four steps, and the tracker for each of their events.
    "Lambda": 4 + 4,
}
"""The fewest that write-once and publish-once allow."""

SMALLEST_TO_RECONCILE = 2
"""Read the stored event, publish it."""


def figures(ending: str = order.SHIPPED) -> list[Figure]:
    """Compare an order's requests with the fewest possible.

    A test counts the requests in the running code and compares them with the model read here.

    Args:
        ending: how the order ends, as in `devtools/scaling/order.toml`.
    """
    counted = {
        "DynamoDB": order.requests(ending).total() - order.events(ending),
        "EventBridge": order.events(ending),
        "Lambda": order.runs(ending).total(),
    }
    return [
        Figure(
            f"AWS requests per {ending} order: {service}",
            "",
            counted[service],
            f"≤ {fewest}, all that write-once and publish-once allow",
            counted[service] <= fewest,
            fewest,
        )
        for service, fewest in SMALLEST.items()
    ]


def reconciling() -> Figure:
    """Compare the reconciler's requests for a stalled order with the fewest possible."""
    counted = order.reconciler_requests().total()
    return Figure(
        "AWS requests per stalled order, to reconcile it",
        "",
        counted,
        f"≤ {SMALLEST_TO_RECONCILE}: read its event, publish it",
        counted <= SMALLEST_TO_RECONCILE,
        SMALLEST_TO_RECONCILE,
    )
