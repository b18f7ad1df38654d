"""Details of events: made for publishing manually, and read from a row."""

import json
from collections.abc import Mapping
from typing import Any

from orderflow.clock import utc_now
from orderflow.event import Event, first_event, next_event
from workshop.orders.api_client import catalogue, order_request

Detail = dict[str, Any]


def order_created(
    lines: dict[str, int],
    *,
    order_id: str,
    customer_id: str,
    token: str = "tok_approved",  # noqa: S107  (a payment token of the simulated gateway)
) -> Detail:
    """Return the detail of an `OrderCreated`, as the order service would publish it.

    Args:
        lines: SKU → quantity, at the catalogue's prices in EUR.
        order_id: The order's id.
        customer_id: Who orders.
        token: How it is paid.
    """
    request = order_request(lines, customer_id=customer_id, token=token)
    prices, currency = catalogue(), request["currency"]
    priced = [{**line, "unit_price": prices[line["sku"]][currency]} for line in request["lines"]]
    order = {
        "order_id": order_id,
        "customer_id": customer_id,
        "placed_at": utc_now(),
        "lines": priced,
        "total": sum(line["quantity"] * line["unit_price"] for line in priced),
        "currency": currency,
        "ship_to": request["ship_to"],
    }
    payment = {"payment_method": request["payment_method"]}
    return first_event("OrderCreated", "order-created", order, payment).detail


def out_of_stock(paid: Detail, *missing: str) -> Detail:
    """Return the detail of the `InventoryUpdated` that refuses a paid order.

    Its event id is the one that the inventory service would give it: to every consumer both are
    the same event.

    Args:
        paid: The detail of a `PaymentProcessed` of the order.
        missing: The SKUs there is not enough of.
    """
    order_id = paid["metadata"]["correlation_id"]
    # The cause is the payment, also where its row holds the refund already.
    metadata = paid["metadata"] | {"event_id": f"{order_id}/payment-succeeded"}
    cause = Event("PaymentProcessed", paid | {"metadata": metadata})
    inventory = {"status": "OUT_OF_STOCK", "missing_skus": list(missing)}
    return next_event(
        cause, "InventoryUpdated", "out-of-stock", {"inventory": inventory}, at=utc_now()
    ).detail


def decided(payment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the gateway answered, from a row of the Payments table.

    Returns:
        The own part of the stored `PaymentProcessed`, such as ``reason``; {} while there is none.
    """
    if "outcome" not in payment:
        return {}
    part: dict[str, Any] = json.loads(payment["outcome"])["data"]["payment"]
    return part
