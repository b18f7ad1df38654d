"""What the inventory service decides."""

from collections import Counter

from inventory_service.store import InventoryStore, OutOfStockError, Quantities
from orderflow.clock import Clock
from orderflow.event import Event, next_event
from orderflow.store import Stored


def reserve(paid: Event, *, store: InventoryStore, clock: Clock) -> Stored:
    """Reserve everything an order asks for, or record that it cannot be had; once either way.

    Raises:
        UnknownSkuError: There is no stock item for a SKU.
        InventoryBusyError: Other orders were in the way.
    """
    at = clock()
    reserved = next_event(
        paid, "InventoryUpdated", "stock-reserved", {"inventory": {"status": "RESERVED"}}, at=at
    )
    try:
        return store.reserve(quantities(paid), reserved)
    except OutOfStockError as shortage:
        inventory = {"status": "OUT_OF_STOCK", "missing_skus": shortage.missing}
        missing = next_event(
            paid, "InventoryUpdated", "out-of-stock", {"inventory": inventory}, at=at
        )
        return store.record_once(missing)


def quantities(paid: Event) -> Quantities:
    """Return SKU → pieces; lines that name the same SKU are added up."""
    pieces: Counter[str] = Counter()
    for line in paid.order["lines"]:
        pieces[line["sku"]] += line["quantity"]
    return dict(pieces)
