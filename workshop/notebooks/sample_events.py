"""Details of events: made for putting on the bus by hand, and read from a row."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workshop.orders.api_client import order_request
from workshop.paths import ROOT

Detail = dict[str, Any]

_CATALOGUE = ROOT / "01-order-service/order_service/catalogue.json"


def order_created(
    lines: dict[str, int],
    *,
    order_id: str,
    customer_id: str,
    token: str = "tok_approved",  # noqa: S107  (a payment token of the simulated gateway)
) -> Detail:
    """Return the detail of an `OrderCreated`, as the order service would publish it.

    Args:
        lines: SKU → pieces, at the catalogue's prices in EUR.
        order_id: Whose journey it begins.
        customer_id: Who orders.
        token: How it is paid.
    """
    request = order_request(lines, customer_id=customer_id, token=token)
    catalogue = json.loads(_CATALOGUE.read_text("utf-8"))
    currency = request["currency"]
    priced = [
        {**line, "unit_price": catalogue[line["sku"]]["prices"][currency]}
        for line in request["lines"]
    ]
    now = _now()
    order = {
        "order_id": order_id,
        "customer_id": customer_id,
        "placed_at": now,
        "lines": priced,
        "total": sum(line["quantity"] * line["unit_price"] for line in priced),
        "currency": currency,
        "ship_to": request["ship_to"],
    }
    return {
        "metadata": _metadata(order_id, "order-created", None, now),
        "data": {"order": order, "payment_method": request["payment_method"]},
    }


def out_of_stock(paid: Detail, *missing: str) -> Detail:
    """Return the detail of the `InventoryUpdated` that refuses a paid order.

    Its event id is the one that the inventory service would give it: to every consumer both are
    the same event.

    Args:
        paid: The detail of a `PaymentProcessed` of the order.
        missing: The SKUs there is not enough of.
    """
    order = paid["data"]["order"]
    order_id = order["order_id"]
    return {
        "metadata": _metadata(order_id, "out-of-stock", f"{order_id}/payment-succeeded", _now()),
        "data": {
            "order": order,
            "inventory": {"status": "OUT_OF_STOCK", "missing_skus": list(missing)},
        },
    }


def decided(payment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the gateway answered, from a row of the Payments table.

    Returns:
        The own part of the stored `PaymentProcessed`, such as ``reason``; {} while there is none.
    """
    if "outcome" not in payment:
        return {}
    part: dict[str, Any] = json.loads(payment["outcome"])["data"]["payment"]
    return part


def _metadata(order_id: str, step: str, cause: str | None, at: str) -> dict[str, Any]:
    return {
        "event_id": f"{order_id}/{step}",
        "correlation_id": order_id,
        "causation_id": cause,
        "schema_version": 1,
        "occurred_at": at,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
