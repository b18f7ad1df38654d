"""Every function of the flow, with something for it to do."""

import json
from dataclasses import dataclass
from typing import Any

from workshop.orders.api_client import order_request
from workshop.paths import ROOT

EXAMPLES = ROOT / "orderflow" / "contracts"


@dataclass(frozen=True, slots=True)
class Case:
    """A function and what it is measured on.

    Attributes:
        module: The module that Lambda imports, such as ``order_service.handler``.
        function: The handler in it.
        example: The contract's example that it gets; None for an order through the API.
        clients: The AWS services it has a client for.
    """

    module: str
    function: str
    example: str | None
    clients: tuple[str, ...] = ("dynamodb", "events")

    @property
    def package(self) -> str:
        """The bundle that holds it."""
        return self.module.partition(".")[0]

    def event(self) -> dict[str, Any]:
        """What Lambda hands over."""
        if self.example is None:
            return _api_request()
        text = (EXAMPLES / f"{self.example}.example.json").read_text("utf-8")
        event: dict[str, Any] = json.loads(text)
        return event


CASES = (
    Case("order_service.handler", "api", None),
    Case("order_service.tracker", "track", "PaymentProcessed/v1.succeeded", ("dynamodb",)),
    Case("payment_service.handler", "charge", "OrderCreated/v1"),
    Case("payment_service.handler", "refund", "InventoryUpdated/v1.out-of-stock"),
    Case("inventory_service.handler", "reserve", "PaymentProcessed/v1.succeeded"),
    Case("shipping_service.handler", "prepare", "InventoryUpdated/v1.reserved"),
)


def _api_request() -> dict[str, Any]:
    """An order as the HTTP API hands it over (payload format 2.0), as far as a function looks."""
    return {
        "version": "2.0",
        "routeKey": "POST /orders",
        "headers": {},
        "body": json.dumps(order_request({"MOUSE": 1})),
        "isBase64Encoded": False,
    }
