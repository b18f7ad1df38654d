"""What the loyalty service decides."""

from loyalty_service import service

from tests.fixtures.events import NOW, example


def award(store, now=NOW):
    return service.award(example("ShipmentPrepared"), store=store, clock=lambda: now)


def test_a_shipped_order_gets_a_point_for_each_whole_euro(store):
    assert award(store).event.part("loyalty") == {"points": 137, "awarded_at": NOW}


def test_a_repeated_shipment_awards_points_once(store):
    first, second = award(store), award(store, "2027-01-01T00:00:00.000Z")
    assert (first.repeated, second.repeated) == (False, True)
    assert second.event == first.event
