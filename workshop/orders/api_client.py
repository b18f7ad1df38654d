"""Placing orders through the API, and filling the shelves so that they can be shipped."""

import json
import uuid
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import signed_http
from workshop.orders.tables import table_name
from workshop.paths import ROOT

SHELVES = {"KEYBOARD": 100, "MOUSE": 100, "MONITOR": 3, "HEADSET": 100, "WEBCAM": 100}
"""The stock a demo starts with, by SKU; few monitors, so that they run out."""

TOKENS = (
    "tok_approved",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_unavailable_twice",
    "tok_unavailable",
    "tok_slow",
)
"""The payment tokens that the simulated gateway knows; any other is declined."""

_CATALOGUE = ROOT / "01-order-service/order_service/catalogue.json"


def catalogue() -> dict[str, dict[str, int]]:
    """Return what can be ordered: SKU → currency → price in cents."""
    products = json.loads(_CATALOGUE.read_text("utf-8"))
    return {sku: product["prices"] for sku, product in products.items()}


def order_request(
    lines: dict[str, int],
    *,
    customer_id: str = "customer-7",
    token: str = "tok_approved",  # noqa: S107  (a payment token of the simulated gateway)
    currency: str = "EUR",
) -> dict[str, Any]:
    """Return an order request for SKU → quantity."""
    return {
        "customer_id": customer_id,
        "currency": currency,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
        "ship_to": {
            "recipient": "Ada Example",
            "street": "12 Analytical Row",
            "postal_code": "10115",
            "city": "Berlin",
            "country": "DE",
        },
        "contact": {"email": "ada@example.org"},
        "payment_method": {"token": token},
    }


def call_api(
    stack: Stack,
    method: str,
    path: str,
    *,
    body: str | bytes | None = None,
    headers: dict[str, str] | None = None,
    signed: bool = True,
) -> signed_http.Answer:
    """Send a request to the stack's API and return the answer, whatever its status.

    Raises:
        WorkshopError: The API does not answer.
    """
    url = f"{stack.outputs.api_endpoint}{path}"
    try:
        return signed_http.send(
            method,
            url,
            session=stack.target.session() if signed else None,
            body=body,
            headers=headers,
            # A proxy has no business with the loopback address.
            proxies={} if stack.target.own else None,
        )
    except OSError as error:
        raise WorkshopError(
            f"The API does not answer at {url} ({error}). `make status` says what runs."
        ) from error


def post_order(
    stack: Stack, request: Any, *, idempotency_key: str | None = None
) -> signed_http.Answer:
    """Send an order request to the API as it is, a dictionary as JSON, and return the answer.

    Raises:
        WorkshopError: The API does not answer.
    """
    headers = {"content-type": "application/json"}
    if idempotency_key is not None:
        headers["idempotency-key"] = idempotency_key
    body = request if isinstance(request, str | bytes) else json.dumps(request)
    return call_api(stack, "POST", "/orders", body=body, headers=headers)


def place_order(stack: Stack, request: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """Place an order and return it as the API shows it.

    Args:
        stack: where.
        request: the order's body.
        key: the Idempotency-Key; None: a new one, which the message names when it is needed.

    Raises:
        WorkshopError: The API refused it, and the message names every fault; or the service failed.
    """
    key = key or uuid.uuid4().hex
    answer = post_order(stack, request, idempotency_key=key)
    if answer.status >= 500:
        raise WorkshopError(
            f"The order service failed ({answer.status}): nobody knows whether it has the order. "
            f"Say it again with the same key, and it is the same order: --key {key}"
        )
    if answer.status not in (200, 201):
        detail = answer.body.get("detail", answer.body) if isinstance(answer.body, dict) else ""
        raise WorkshopError(f"The order was refused ({answer.status}): {detail}".rstrip(".") + ".")
    order: dict[str, Any] = answer.body
    return order


def set_stock(stack: Stack, stock: dict[str, int]) -> None:
    """Put stock on the shelves: SKU → pieces on hand.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    table = table_name(stack, "inventory")
    for sku, on_hand in stock.items():
        stack.client("dynamodb").put_item(
            TableName=table, Item={"sku": {"S": sku}, "on_hand": {"N": str(on_hand)}}
        )


def take_off_the_shelf(stack: Stack, sku: str) -> None:
    """Remove the stock item of a SKU: from then on the inventory does not know it.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    stack.client("dynamodb").delete_item(
        TableName=table_name(stack, "inventory"), Key={"sku": {"S": sku}}
    )


def read_stock(stack: Stack, skus: list[str]) -> dict[str, int]:
    """Return the pieces on hand of each SKU that has a stock item.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    stock = {}
    for sku in skus:
        answer = stack.client("dynamodb").get_item(
            TableName=table_name(stack, "inventory"), Key={"sku": {"S": sku}}, ConsistentRead=True
        )
        if "Item" in answer:
            stock[sku] = int(answer["Item"]["on_hand"]["N"])
    return stock


def read_shelf(stack: Stack) -> dict[str, int]:
    """Return the pieces on hand of every SKU that has a stock item.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    # A scan: a learner's table is small, and it keeps reservations beside the stock items.
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=table_name(stack, "inventory"),
            FilterExpression="attribute_exists(on_hand)",
            ConsistentRead=True,
        )
    )
    items = [item for page in pages for item in page["Items"]]
    return {item["sku"]["S"]: int(item["on_hand"]["N"]) for item in items}
