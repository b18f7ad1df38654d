"""The books: what was paid against what was shipped, what left the shelf against what went out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workshop.notebooks.frames import table
from workshop.orders.journey_view import money

Row = Mapping[str, Any]

CHARGED = frozenset({"SUCCEEDED", "REFUND_PENDING", "REFUNDED"})
ALL = "all of them"


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


def money_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return per order, and in sum, what was charged, given back, and shipped.

    Args:
        entries: All of one currency.
    """
    found = list(entries)
    sums = Entry(
        order_id=ALL,
        currency=found[0].currency,
        charged=sum(each.charged for each in found),
        refunded=sum(each.refunded for each in found),
        shipped=sum(each.shipped for each in found),
        pieces={},
        reserved={},
    )
    rows = [
        {
            "order": each.order_id,
            "charged": money(each.charged, each.currency),
            "refunded": money(each.refunded, each.currency),
            "kept": money(each.charged - each.refunded, each.currency),
            "goods shipped": money(each.shipped, each.currency),
            "balanced": _yes(each.charged - each.refunded == each.shipped),
        }
        for each in [*found, sums]
    ]
    return table(rows, "order", "charged", "refunded", "kept", "goods shipped", "balanced")


def stock_table(
    before: Mapping[str, int], after: Mapping[str, int], entries: Iterable[Entry]
) -> pd.DataFrame:
    """Return per SKU, and in sum, what left the shelf, and what was shipped.

    Args:
        before: Pieces on the shelf by SKU, before the orders.
        after: The same SKUs afterwards.
        entries: The orders.
    """
    shipped = Counter[str]()
    for each in entries:
        shipped.update(each.pieces)
    lines = [(sku, before[sku], after[sku], shipped[sku]) for sku in before]
    sums = (ALL, sum(before.values()), sum(after.values()), shipped.total())
    rows = [
        {
            "goods": sku,
            "before": had,
            "after": has,
            "gone": had - has,
            "shipped": sent,
            "balanced": _yes(had - has == sent),
        }
        for sku, had, has, sent in [*lines, sums]
    ]
    return table(rows, "goods", "before", "after", "gone", "shipped", "balanced")


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if value else "NO"
