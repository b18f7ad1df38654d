"""What the shipping service decides."""

import hashlib

from orderflow.clock import Clock
from orderflow.event import Event, next_event
from orderflow.store import Stored
from shipping_service.store import ShipmentStore


def prepare(reserved: Event, *, store: ShipmentStore, clock: Clock) -> Stored:
    """Prepare one shipment for an order with reserved stock."""
    at = clock()
    shipment = {
        "shipment_id": shipment_id(reserved.order["order_id"]),
        "status": "PREPARED",
        "prepared_at": at,
    }
    prepared = next_event(
        reserved, "ShipmentPrepared", "shipment-prepared", {"shipment": shipment}, at=at
    )
    return store.put_once(prepared, warehouse=reserved.part("inventory")["warehouse"])


def shipment_id(order_id: str) -> str:
    """Return the shipment's id, which follows from the order's."""
    return f"shp_{hashlib.sha256(order_id.encode()).hexdigest()[:16]}"
