"""The inventory function: event in, table and event out."""

import pytest

from tests.fixtures.events import delivered, example


@pytest.fixture
def handler(load_handler, dynamodb):
    handler = load_handler("inventory_service", "inventory")
    for sku in ("KEYBOARD", "MOUSE"):
        item = {"sku": {"S": sku}, "on_hand": {"N": "10"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    return handler


def test_a_payment_in_a_reservation_out(handler, bus, rows, context):
    """One PaymentProcessed makes one record, takes the stock, and is announced."""
    handler.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
    by_sku = {row["sku"]: row for row in rows("inventory")}
    assert by_sku["reservation#example-1"]["quantities"] == {"KEYBOARD": 1, "MOUSE": 2}
    assert (by_sku["KEYBOARD"]["on_hand"], by_sku["MOUSE"]["on_hand"]) == (9, 8)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.inventory", "InventoryUpdated")


def test_a_crash_between_write_and_publish_is_repaired(handler, bus, rows, context):
    """Written, then killed: the retry publishes the outcome that was stored."""
    bus.crash = SystemExit("killed")
    event = delivered(example("PaymentProcessed", "succeeded"))
    with pytest.raises(SystemExit):
        handler.reserve(event, context)
    bus.crash = None
    handler.reserve(event, context)
    stored = {row["sku"]: row for row in rows("inventory")}["reservation#example-1"]["outcome"]
    assert [entry["Detail"] for entry in bus.entries] == [stored]


def test_a_record_never_expires(handler, rows, context):
    """Without its record a repeated event would take the stock a second time."""
    handler.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
    assert not [row for row in rows("inventory") if "expires_at" in row]
