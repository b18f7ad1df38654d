"""What the inventory service decides."""

from collections import Counter
from functools import partial

from inventory_service.store import InventoryStore, OutOfStockError, Quantities
from orderflow.clock import Clock
from orderflow.event import Event, Part, next_event
from orderflow.store import Stored

VERSION = 2
"""The version of `InventoryUpdated` that this service sends. Release its consumers first."""

EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
"""The countries of the European Union."""
EU_WAREHOUSE, OTHER_WAREHOUSE = "ROTTERDAM", "CHICAGO"


def reserve(paid: Event, *, store: InventoryStore, clock: Clock) -> Stored:
    """Reserve everything an order asks for, or record that it cannot be had; once either way.

    Raises:
        UnknownSkuError: There is no stock item for a SKU.
        InventoryBusyError: Other orders were in the way.
    """
    outcome = partial(next_event, paid, "InventoryUpdated", at=clock(), version=VERSION)
    where = warehouse(paid.order["ship_to"]["country"])
    inventory: Part = {"status": "RESERVED", "warehouse": where}
    reserved = outcome("stock-reserved", {"inventory": inventory})
    try:
        return store.reserve(quantities(paid), reserved)
    except OutOfStockError as shortage:
        inventory = {"status": "OUT_OF_STOCK", "missing_skus": shortage.missing}
        missing = outcome("out-of-stock", {"inventory": inventory})
        return store.record_once(missing)


def warehouse(country: str) -> str:
    """Return the warehouse that picks an order; no parcel inside the EU goes through customs."""
    return EU_WAREHOUSE if country in EU.split() else OTHER_WAREHOUSE


def quantities(paid: Event) -> Quantities:
    """Return SKU → units; lines that name the same SKU are added up."""
    units: Counter[str] = Counter()
    for line in paid.order["lines"]:
        units[line["sku"]] += line["quantity"]
    return dict(units)
