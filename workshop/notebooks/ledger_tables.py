"""The books of some orders, as tables."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from workshop.errors import WorkshopError
from workshop.notebooks.tables import table
from workshop.orders.journey_view import money
from workshop.orders.ledger import Entry

ALL = "all of them"


def money_table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Return per order, and in sum, what was charged, given back, and shipped.

    Args:
        entries: All of one currency; at least one.

    Raises:
        WorkshopError: There is none.
    """
    found = list(entries)
    if not found:
        raise WorkshopError("There are no orders to book.")
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
