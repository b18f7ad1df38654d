"""What the loyalty service decides."""

from loyalty_service.store import PointsStore
from orderflow.clock import Clock
from orderflow.event import Event, next_event
from orderflow.store import Stored

MINOR_UNITS_PER_POINT = 100


def award(shipped: Event, *, store: PointsStore, clock: Clock) -> Stored:
    """Award the points of a shipped order once: one for each 100 minor units of its total."""
    at = clock()
    loyalty = {"points": shipped.order["total"] // MINOR_UNITS_PER_POINT, "awarded_at": at}
    return store.put_once(
        next_event(shipped, "PointsAwarded", "points-awarded", {"loyalty": loyalty}, at=at)
    )
