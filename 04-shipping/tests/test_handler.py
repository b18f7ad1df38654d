"""The shipping function: event in, table and event out."""

import pytest
from shipping_service.app import build

from tests.fixtures.events import delivered, example

RESERVED = delivered(example("InventoryUpdated", "reserved"))


@pytest.fixture
def app(environment, dynamodb, bus):
    return build(environment("shipments"), dynamodb=dynamodb, events=bus)


def test_a_reservation_in_a_shipment_out(app, bus, rows, context):
    """One InventoryUpdated makes one row that the warehouse can pick by, and is published."""
    app.prepare(RESERVED, context)
    (row,) = rows("shipments")
    assert row["status"] == "PREPARED"
    assert row["items"] == [{"sku": "KEYBOARD", "quantity": 1}, {"sku": "MOUSE", "quantity": 2}]
    assert row["ship_to"]["city"] == "Berlin"
    assert row["warehouse"] == "ROTTERDAM"
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.shipping", "ShipmentPrepared")


def test_a_crash_between_write_and_publish_is_repaired(app, bus, rows, context):
    """Written, then killed: the retry publishes the outcome that was stored."""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        app.prepare(RESERVED, context)
    bus.crash = None
    app.prepare(RESERVED, context)
    assert [entry["Detail"] for entry in bus.entries] == [rows("shipments")[0]["outcome"]]


def test_event_without_a_warehouse_is_picked_in_the_first_one(app, rows, context):
    """Version 1 was sent when there was only one warehouse."""
    app.prepare(delivered(example("InventoryUpdated", "reserved", version=1)), context)
    (row,) = rows("shipments")
    assert row["warehouse"] == "ROTTERDAM"


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
def test_both_versions_of_one_event_prepare_one_shipment(app, bus, rows, context, versions):
    """The first one decides; the second publishes the stored outcome again."""
    for version in versions:
        event = example("InventoryUpdated", "reserved", version=version)
        if version == 2:
            event.part("inventory")["warehouse"] = "CHICAGO"
        app.prepare(delivered(event), context)
    (row,) = rows("shipments")
    assert row["warehouse"] == {1: "ROTTERDAM", 2: "CHICAGO"}[versions[0]]
    assert [entry["Detail"] for entry in bus.entries] == [row["outcome"]] * 2
