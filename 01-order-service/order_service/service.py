"""What the order service decides."""

import uuid
from typing import Any

from order_service import request as order_request
from order_service import status
from order_service.catalogue import Catalogue
from order_service.errors import IdempotencyConflictError, NotFoundError
from order_service.store import OrderRecord, OrderStore
from orderflow.clock import Clock
from orderflow.event import first_event
from orderflow.store import Stored

_NAMESPACE = uuid.UUID("6f1c5f0e-3c0f-4d0c-9d7e-2b8a4f5e1c90")


def place_order(
    request: Any,
    idempotency_key: str,
    *,
    store: OrderStore,
    catalogue: Catalogue,
    clock: Clock,
) -> tuple[OrderRecord, Stored]:
    """Accept an order once; the same request with the same key finds the first order again.

    Returns:
        The order, and its `OrderCreated` to publish.

    Raises:
        InvalidOrderError: The request has faults; nothing was written.
        IdempotencyConflictError: The key was used for a different order.
    """
    order_request.check(request, catalogue)
    lines = order_request.price(request, catalogue)
    order = {
        "order_id": order_id(request["customer_id"], idempotency_key),
        "customer_id": request["customer_id"],
        "placed_at": clock(),
        "lines": lines,
        "total": order_request.total(lines),
        "currency": request["currency"],
        "ship_to": request["ship_to"],
    }
    own_part = {"payment_method": request["payment_method"]}
    created = first_event("OrderCreated", "order-created", order, own_part)
    record = OrderRecord(
        order=order,
        status=status.CREATED,
        updated_at=order["placed_at"],
        contact=request["contact"],
        fingerprint=order_request.fingerprint(request),
        created=created,
    )
    earlier = store.put_once(record)
    if earlier is None:
        return record, Stored(created)
    if earlier.fingerprint != record.fingerprint or earlier.created is None:
        raise IdempotencyConflictError("this Idempotency-Key belongs to an order that differs")
    return earlier, Stored(earlier.created, repeated=True)


def order_id(customer_id: str, idempotency_key: str) -> str:
    """Return an order's id: the same customer's same key is the same order."""
    return f"ord_{uuid.uuid5(_NAMESPACE, f'{customer_id}/{idempotency_key}').hex}"


def get_order(order_id: str, *, store: OrderStore) -> OrderRecord:
    """Return an order.

    Raises:
        NotFoundError: There is none with this id.
    """
    record = store.get(order_id)
    if record is None:
        raise NotFoundError("there is no such order")
    return record
