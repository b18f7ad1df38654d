"""The books: what was paid against what was shipped, what left the shelf against what went out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

CHARGED = frozenset({"SUCCEEDED", "REFUND_PENDING", "REFUNDED"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What the four tables say of one order; amounts are in the currency's smallest unit."""

    order_id: str
    currency: str
    charged: int
    refunded: int
    shipped: int
    """What the goods cost that are on their way, at the order's prices."""
    pieces: Mapping[str, int]
    """Pieces on their way, by SKU."""
    reserved: Mapping[str, int]
    """Pieces taken from the shelf, by SKU."""

    @property
    def is_balanced(self) -> bool:
        """Whether money was kept for exactly what ships, and exactly that left the shelf."""
        return self.charged - self.refunded == self.shipped and self.pieces == self.reserved


def entry(rows: Mapping[str, Row]) -> Entry:
    """Return an order's entry, from its row in each table that has one (`journey.rows`)."""
    order, payment = rows["orders"], rows.get("payments", {})
    reservation, shipment = rows.get("inventory", {}), rows.get("shipments", {})
    prices = {line["sku"]: int(line["unit_price"]) for line in order["lines"]}
    amount = int(payment.get("amount", 0))
    pieces = {part["sku"]: int(part["quantity"]) for part in shipment.get("pieces", [])}
    is_reserved = reservation.get("status") == "RESERVED"
    taken = reservation["quantities"] if is_reserved else {}
    return Entry(
        order_id=str(order["order_id"]),
        currency=str(order["currency"]),
        charged=amount if payment.get("status") in CHARGED else 0,
        refunded=amount if payment.get("status") == "REFUNDED" else 0,
        shipped=sum(prices[sku] * count for sku, count in pieces.items()),
        pieces=pieces,
        reserved={sku: int(count) for sku, count in taken.items()},
    )
