"""The inventory service before version 2 of `InventoryUpdated`, for a release in the middle."""

from inventory_service.store import InventoryStore, Quantities

from orderflow.event import Event
from orderflow.store import Stored


class FirstRelease:
    """The port `InventoryStore` of the release that sent version 1: without a warehouse."""

    def __init__(self, store: InventoryStore) -> None:
        self._store = store

    def reserve(self, quantities: Quantities, outcome: Event) -> Stored:
        """See `InventoryStore`."""
        return self._store.reserve(quantities, _of_version_1(outcome))

    def record_once(self, outcome: Event) -> Stored:
        """See `InventoryStore`."""
        return self._store.record_once(_of_version_1(outcome))


def _of_version_1(outcome: Event) -> Event:
    data = outcome.detail["data"]
    inventory = {name: each for name, each in data["inventory"].items() if name != "warehouse"}
    metadata = {**outcome.detail["metadata"], "schema_version": 1}
    return Event(outcome.type, {"metadata": metadata, "data": {**data, "inventory": inventory}})
