"""Event details: build one to publish manually, or read one from a row."""

import json
from collections.abc import Mapping
from typing import Any

from orderflow import contract
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
    """Return the detail of an `OrderCreated`, as the order service publishes it.

    Args:
        lines: SKU → quantity, at the catalogue's prices in EUR.
        order_id: The order's id.
        customer_id: The customer's id.
        token: The payment token.
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
    """Return the detail of the `InventoryUpdated` that rejects a paid order.

    It has the event id that the inventory service gives it, so consumers treat both as the same
    event.

    Args:
        paid: The detail of a `PaymentProcessed` of the order.
        missing: The SKUs that are out of stock.
    """
    order_id = paid["metadata"]["correlation_id"]
    # The cause is the payment, also when the row already holds the refund.
    metadata = paid["metadata"] | {"event_id": f"{order_id}/payment-succeeded"}
    cause = Event("PaymentProcessed", paid | {"metadata": metadata})
    inventory = {"status": "OUT_OF_STOCK", "missing_skus": list(missing)}
    version = contract.versions("InventoryUpdated")[-1]
    rejected = next_event(
        cause,
        "InventoryUpdated",
        "out-of-stock",
        {"inventory": inventory},
        at=utc_now(),
        version=version,
    )
    return rejected.detail


def decided(payment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gateway's response from a row of the Payments table.

    Returns:
        The `payment` part of the stored `PaymentProcessed`; {} while there is none.
    """
    if "outcome" not in payment:
        return {}
    part: dict[str, Any] = json.loads(payment["outcome"])["data"]["payment"]
    return part
