"""The ledger of orders as tables: money and stock."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from workshop.errors import WorkshopError
from workshop.notebooks.tables import table
from workshop.orders.journey_view import money
from workshop.orders.ledger import Entry

ALL = "total"


def money_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return what was charged, refunded and shipped: per order, and the total of each currency.

    Args:
        entries: The ledger entries of the orders.

    Raises:
        WorkshopError: There are no entries.
    """
    found = list(entries)
    if not found:
        raise WorkshopError("There are no orders to show.")
    currencies = dict.fromkeys(each.currency for each in found)
    sums = [
        Entry(
            order_id=ALL if len(currencies) == 1 else f"{ALL} in {currency}",
            currency=currency,
            charged=sum(each.charged for each in found if each.currency == currency),
            refunded=sum(each.refunded for each in found if each.currency == currency),
            shipped=sum(each.shipped for each in found if each.currency == currency),
            units={},
            reserved={},
        )
        for currency in currencies
    ]
    rows = [
        {
            "order": each.order_id,
            "charged": money(each.charged, each.currency),
            "refunded": money(each.refunded, each.currency),
            "kept": money(each.charged - each.refunded, each.currency),
            "value shipped": money(each.shipped, each.currency),
            "balanced": _yes(each.charged - each.refunded == each.shipped),
        }
        for each in [*found, *sums]
    ]
    return table(rows, "order", "charged", "refunded", "kept", "value shipped", "balanced")


def stock_table(
    before: Mapping[str, int], after: Mapping[str, int], entries: Iterable[Entry]
) -> pd.DataFrame:
    """Return the units that left the stock and that were shipped: per SKU, and the total.

    Args:
        before: Units on hand by SKU, before the orders.
        after: Units on hand of the same SKUs afterwards.
        entries: The ledger entries of the orders.
    """
    shipped = Counter[str]()
    for each in entries:
        shipped.update(each.units)
    lines = [(sku, before[sku], after[sku], shipped[sku]) for sku in before]
    sums = (ALL, sum(before.values()), sum(after.values()), shipped.total())
    rows = [
        {
            "SKU": sku,
            "before": had,
            "after": has,
            "taken": had - has,
            "shipped": sent,
            "balanced": _yes(had - has == sent),
        }
        for sku, had, has, sent in [*lines, sums]
    ]
    return table(rows, "SKU", "before", "after", "taken", "shipped", "balanced")


def _yes(value: bool) -> str:  # noqa: FBT001 - it formats a value
    return "yes" if value else "NO"
