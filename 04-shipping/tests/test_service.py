"""What the shipping service decides."""

from shipping_service import service
from shipping_service.store import DynamoShipmentStore

from orderflow import contract
from tests.fixtures.events import NOW, example, identity


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


def test_shipment_names_the_reservation_as_its_cause(store):
    event = prepare(store).event
    expected = ("ShipmentPrepared", "example-1/shipment-prepared", "example-1/stock-reserved", NOW)
    assert identity(event) == expected
    contract.validate(event)


def test_shipment_id_is_the_same_in_every_release():
    """A repeated event after a release must not lead to a second parcel."""
    assert service.shipment_id("example-1") == "shp_bb7d0cf1ee44aca0"


def test_a_repeated_reservation_prepares_one_shipment(store):
    """The second event finds the stored outcome, to be published again as it was."""
    first, second = prepare(store), prepare(store, "2027-01-01T00:00:00.000Z")
    assert (first.repeated, second.repeated) == (False, True)
    assert second.event == first.event


def test_shipment_is_picked_where_the_stock_is_reserved(make_table, dynamodb, rows):
    reserved = example("InventoryUpdated", "reserved")
    reserved.part("inventory")["warehouse"] = "CHICAGO"
    store = DynamoShipmentStore(dynamodb, make_table("shipments"))
    service.prepare(reserved, store=store, clock=lambda: NOW)
    assert [row["warehouse"] for row in rows("shipments")] == ["CHICAGO"]
