"""What the order tracker decides."""

from order_service.status import status_after
from order_service.store import OrderRecord, OrderStore
from orderflow.clock import Clock
from orderflow.event import Event


def move_on(event: Event, *, store: OrderStore, clock: Clock) -> str | None:
    """Move an order's status forward.

    Returns:
        The new status; None for a late or repeated event, or for one that gives no status.
    """
    reached = status_after(event)
    if reached is None:
        return None
    moved = store.move_forward(
        OrderRecord(
            order=event.order,
            status=reached,
            updated_at=clock(),
            created=event if event.type == "OrderCreated" else None,
        )
    )
    return reached if moved else None
