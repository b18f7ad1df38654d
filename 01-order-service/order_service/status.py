"""The status of an order: a ranked state machine that only moves forward."""

from orderflow.event import Event

CREATED = "CREATED"

RANKS = {
    CREATED: 1,
    "PAID": 2,
    "RESERVED": 3,
    "SHIPMENT_PREPARED": 4,
    "PAYMENT_DECLINED": 4,
    "REFUNDED": 4,
}
"""Status → rank. A status is replaced only by one of a higher rank."""

FINAL_RANK = 4

_OWN_PART = {
    "PaymentProcessed": "payment",
    "InventoryUpdated": "inventory",
    "ShipmentPrepared": "shipment",
}

_STATUS_OF = {
    ("PaymentProcessed", "SUCCEEDED"): "PAID",
    ("PaymentProcessed", "DECLINED"): "PAYMENT_DECLINED",
    ("PaymentProcessed", "REFUNDED"): "REFUNDED",
    ("InventoryUpdated", "RESERVED"): "RESERVED",
    # Still paid: the order ends with the refund that follows.
    ("InventoryUpdated", "OUT_OF_STOCK"): "PAID",
    ("ShipmentPrepared", "PREPARED"): "SHIPMENT_PREPARED",
}


def status_after(event: Event) -> str | None:
    """Return the status that an event gives its order; None if it gives none.

    A service that was added later may publish events that change no order's status.
    """
    if event.type == "OrderCreated":
        return CREATED
    if event.type not in _OWN_PART:
        return None
    return _STATUS_OF.get((event.type, event.part(_OWN_PART[event.type])["status"]))
