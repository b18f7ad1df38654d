"""The shipping function: event in, table and event out."""

import pytest

from tests.fixtures.events import delivered, example

RESERVED = delivered(example("InventoryUpdated", "reserved"))


@pytest.fixture
def handler(load_handler):
    return load_handler("shipping_service", "shipments")


def test_a_reservation_in_a_shipment_out(handler, bus, rows, context):
    """One InventoryUpdated makes one row that the warehouse can pick by, and is announced."""
    handler.prepare(RESERVED, context)
    (row,) = rows("shipments")
    assert row["status"] == "PREPARED"
    assert row["pieces"] == [{"sku": "KEYBOARD", "quantity": 1}, {"sku": "MOUSE", "quantity": 2}]
    assert row["ship_to"]["city"] == "Berlin"
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.shipping", "ShipmentPrepared")


def test_a_crash_between_write_and_publish_is_repaired(handler, bus, rows, context):
    """Written, then killed: the retry publishes the outcome that was stored."""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        handler.prepare(RESERVED, context)
    bus.crash = None
    handler.prepare(RESERVED, context)
    assert [entry["Detail"] for entry in bus.entries] == [rows("shipments")[0]["outcome"]]
