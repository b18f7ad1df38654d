"""The ledger: compare money with shipments, and stock with shipments."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

CHARGED = frozenset({"SUCCEEDED", "REFUND_PENDING", "REFUNDED"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One order in the four tables; amounts are in the currency's minor unit."""

    order_id: str
    currency: str
    charged: int
    refunded: int
    shipped: int
    """The value of the shipped units, at the order's prices."""
    units: Mapping[str, int]
    """Shipped units by SKU."""
    reserved: Mapping[str, int]
    """Units taken from the stock, by SKU."""

    @property
    def is_balanced(self) -> bool:
        """Whether the money kept, the units shipped and the units reserved agree."""
        return self.charged - self.refunded == self.shipped and self.units == self.reserved


def entry(rows: Mapping[str, Row]) -> Entry:
    """Return an order's entry, from its row in each table that has one (`journey.rows`)."""
    order, payment = rows["orders"], rows.get("payments", {})
    reservation, shipment = rows.get("inventory", {}), rows.get("shipments", {})
    amount = int(payment.get("amount", 0))
    units = _units(shipment.get("items", []))
    is_reserved = reservation.get("status") == "RESERVED"
    quantities = reservation["quantities"] if is_reserved else {}
    return Entry(
        order_id=str(order["order_id"]),
        currency=str(order["currency"]),
        charged=amount if payment.get("status") in CHARGED else 0,
        refunded=amount if payment.get("status") == "REFUNDED" else 0,
        shipped=_value(units, order["lines"]),
        units=units,
        reserved={sku: int(count) for sku, count in quantities.items()},
    )


def _units(items: Iterable[Row]) -> Counter[str]:
    """Return SKU → units; several items may have the same SKU."""
    units: Counter[str] = Counter()
    for item in items:
        units[item["sku"]] += int(item["quantity"])
    return units


def _value(units: Mapping[str, int], lines: Iterable[Row]) -> int:
    """Return the value of units at an order's prices; two lines of a SKU may differ in price.

    Units beyond the ordered quantity have the price of the SKU's last line.
    """
    left, price, value = Counter(units), {}, 0
    for line in lines:
        sku, price[line["sku"]] = line["sku"], int(line["unit_price"])
        taken = min(left[sku], int(line["quantity"]))
        left[sku] -= taken
        value += taken * price[sku]
    return value + sum(count * price.get(sku, 0) for sku, count in left.items())
