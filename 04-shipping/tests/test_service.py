"""What the shipping service decides."""

from shipping_service import service

from tests.fixtures.events import NOW, example


def prepare(store, now=NOW):
    reserved = example("InventoryUpdated", "reserved")
    return service.prepare(reserved, store=store, clock=lambda: now)


def test_a_reserved_order_gets_a_shipment(store):
    """The shipment's id follows from the order's, so it could only ever be this one."""
    assert prepare(store).event.part("shipment") == {
        "shipment_id": service.shipment_id("example-1"),
        "status": "PREPARED",
        "prepared_at": NOW,
    }


def test_a_repeated_reservation_prepares_one_shipment(store):
    """The second event finds the stored outcome, to be published again as it was."""
    first, second = prepare(store), prepare(store, "2027-01-01T00:00:00.000Z")
    assert (first.repeated, second.repeated) == (False, True)
    assert second.event == first.event
