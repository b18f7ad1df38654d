"""Call the order API, and set and read stock."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from workshop.deployment.stack import Stack, command
from workshop.errors import UsageError, WorkshopError
from workshop.orders import signed_http
from workshop.orders.tables import table_name
from workshop.paths import ROOT

DEMO_STOCK = {"KEYBOARD": 100, "MOUSE": 100, "MONITOR": 3, "HEADSET": 100, "WEBCAM": 100}
"""The stock at the start of a demo, by SKU; few monitors, so that they run out."""

ALWAYS_UNAVAILABLE = "tok_unavailable"
"""The payment token for which the gateway fails every time."""

TOKEN_EFFECTS = {
    "tok_approved": "The gateway charges the payment.",
    "tok_declined": "The bank declines the payment.",
    "tok_insufficient_funds": "The bank declines the payment: insufficient funds.",
    "tok_unavailable_twice": "The gateway fails twice and charges the payment in the third try.",
    ALWAYS_UNAVAILABLE: "The gateway fails every time.",
    "tok_slow": "The gateway charges the payment after two seconds.",
}
"""The payment tokens of the simulated gateway, and what each does; any other is declined."""

TOKENS = tuple(TOKEN_EFFECTS)
"""The payment tokens."""

RACE_THREADS = 10
"""The most orders of a race that are placed at the same time."""

CUSTOMER = "customer-7"
"""The customer of the learner's orders, unless another one is given."""

_LONGEST_VALUE = 40
"""Characters that are shown of a value that is no number of units."""

_CATALOGUE = ROOT / "01-order-service/order_service/catalogue.json"


class OrderRefusedError(WorkshopError):
    """The API refused an order.

    Attributes:
        faults: Every validation error of the request; one sentence if the API named none.
    """

    def __init__(self, status: int, body: Any) -> None:
        detail = body.get("detail", body) if isinstance(body, dict) else ""
        super().__init__(f"The order was refused ({status}): {detail}".rstrip(".") + ".")
        faults = body.get("faults") if isinstance(body, dict) else None
        self.faults = [str(each) for each in faults or [detail or "no reason was given"]]


class OrderFailedError(WorkshopError):
    """The order service failed, perhaps after it stored the order.

    Attributes:
        status: The HTTP status.
        key: The Idempotency-Key that makes a retry safe.
    """

    def __init__(self, status: int, key: str) -> None:
        super().__init__(
            f"The order service failed ({status}), perhaps after it stored the order. "
            f"Repeat the command with the same key, so that there is one order only: --key {key}"
        )
        self.status, self.key = status, key


@dataclass(frozen=True)
class Placed:
    """The API's response to an order of a race.

    Attributes:
        order_id: The order's id; empty if it was not placed.
        error: Why it was not placed; empty if it was.
    """

    order_id: str = ""
    error: str = ""


def catalogue() -> dict[str, dict[str, int]]:
    """Return the catalogue: SKU → currency → price in the minor unit."""
    products = json.loads(_CATALOGUE.read_text("utf-8"))
    return {sku: product["prices"] for sku, product in products.items()}


def order_request(
    lines: dict[str, int],
    *,
    customer_id: str = CUSTOMER,
    token: str = "tok_approved",  # noqa: S107  (a payment token of the simulated gateway)
    currency: str = "EUR",
    country: str = "DE",
) -> dict[str, Any]:
    """Return an order request.

    Args:
        lines: SKU → quantity.
        customer_id: The customer's id.
        token: The payment token.
        currency: The ISO 4217 code of the prices.
        country: The ISO 3166 code of the country of the address.
    """
    return {
        "customer_id": customer_id,
        "currency": currency,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
        "ship_to": {
            "recipient": "Ada Example",
            "street": "12 Analytical Row",
            "postal_code": "10115",
            "city": "Berlin",
            "country": country,
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
) -> signed_http.Response:
    """Send a request to the stack's API and return the response, whatever its status.

    Raises:
        WorkshopError: The API does not respond.
    """
    url = f"{stack.outputs.api_endpoint}{path}"
    try:
        return signed_http.send(
            method,
            url,
            session=stack.target.session() if signed else None,
            body=body,
            headers=headers,
            # A proxy must not be used for the loopback address.
            proxies={} if stack.target.own else None,
        )
    except OSError as error:
        raise WorkshopError(
            f"The API does not respond at {url} ({error}). "
            f"To see what runs: {command(stack, 'status')}"
        ) from error


def post_order(
    stack: Stack, request: Any, *, idempotency_key: str | None = None
) -> signed_http.Response:
    """Send an order request to the API unchanged, and return the response.

    Args:
        stack: Where.
        request: The body; anything but text or bytes is sent as JSON.
        idempotency_key: The Idempotency-Key header; None sends none.

    Raises:
        UsageError: No HTTP header can have the key.
        WorkshopError: The API does not respond.
    """
    headers = {"content-type": "application/json"}
    if idempotency_key is not None:
        if not (idempotency_key.isascii() and idempotency_key.isprintable()):
            raise UsageError("Idempotency-Key must be printable ASCII characters.")
        headers["idempotency-key"] = idempotency_key
    body = request if isinstance(request, str | bytes) else json.dumps(request)
    return call_api(stack, "POST", "/orders", body=body, headers=headers)


def place_order(stack: Stack, request: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
    """Place an order and return it as the API shows it.

    Args:
        stack: Where.
        request: The order's body.
        key: The Idempotency-Key; None: a new one, which the error message names.

    Raises:
        OrderRefusedError: The API refused the order; the message has every validation error.
        OrderFailedError: The service failed.
        WorkshopError: The API does not respond.
    """
    key = key or uuid.uuid4().hex
    response = post_order(stack, request, idempotency_key=key)
    if response.status >= 500:
        raise OrderFailedError(response.status, key)
    if response.status not in (200, 201):
        raise OrderRefusedError(response.status, response.body)
    order: dict[str, Any] = response.body
    return order


def place_orders(
    stack: Stack, request: dict[str, Any], count: int, *, key: str | None = None
) -> Iterator[Placed]:
    """Place so many orders at the same time, and yield the responses as they arrive.

    Args:
        stack: Where.
        request: The body of each order.
        count: The number of requests.
        key: The Idempotency-Key of all of them; None: each has its own.
    """

    def place(_: int) -> Placed:
        try:
            return Placed(order_id=str(place_order(stack, request, key=key)["order_id"]))
        except WorkshopError as error:
            return Placed(error=str(error))

    with ThreadPoolExecutor(RACE_THREADS) as pool:
        futures = [pool.submit(place, number) for number in range(count)]
        for future in as_completed(futures):
            yield future.result()


def set_stock(stack: Stack, stock: dict[str, int]) -> None:
    """Set stock: SKU → units on hand.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    table = table_name(stack, "inventory")
    for sku, on_hand in stock.items():
        stack.client("dynamodb").put_item(
            TableName=table, Item={"sku": {"S": sku}, "on_hand": {"N": str(on_hand)}}
        )


def delete_stock_item(stack: Stack, sku: str) -> None:
    """Delete the stock item of a SKU; then the inventory does not know the SKU.

    Raises:
        WorkshopError: The stack has no inventory yet.
    """
    stack.client("dynamodb").delete_item(
        TableName=table_name(stack, "inventory"), Key={"sku": {"S": sku}}
    )


def read_stock(stack: Stack, skus: list[str]) -> dict[str, int]:
    """Return the units on hand of these SKUs, without those that have no stock item.

    Raises:
        WorkshopError: The stack has no inventory yet, or a stock item has no number of units.
    """
    stock = {}
    for sku in skus:
        response = stack.client("dynamodb").get_item(
            TableName=table_name(stack, "inventory"), Key={"sku": {"S": sku}}, ConsistentRead=True
        )
        if "Item" in response:
            stock[sku] = _units(response["Item"])
    return stock


def read_all_stock(stack: Stack) -> dict[str, int]:
    """Return the units on hand of every SKU that has a stock item.

    Raises:
        WorkshopError: The stack has no inventory yet, or a stock item has no number of units.
    """
    # A scan: the table is small here, and it also holds the reservations.
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
    return {item["sku"]["S"]: _units(item) for item in items}


def _units(item: dict[str, Any]) -> int:
    """Return the units on hand of a stock item.

    Raises:
        WorkshopError: They are not a whole number from 0.
    """
    sku, ((kind, value),) = item["sku"]["S"], item["on_hand"].items()
    if kind == "N" and value.isdecimal():
        return int(value)
    shown = ascii(value)[:_LONGEST_VALUE]
    raise WorkshopError(
        f"The stock item of {sku} has {shown} units on hand, which is not a whole number from 0. "
        f"Set them: make stock ARGS={sku}=10"
    )
