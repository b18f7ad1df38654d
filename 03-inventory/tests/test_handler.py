"""The inventory function: event in, table and event out."""

import pytest
from inventory_service.app import build

from orderflow.dynamodb import to_wire
from tests.fixtures.events import delivered, example


@pytest.fixture
def app(environment, dynamodb, bus):
    app = build(environment("inventory"), dynamodb=dynamodb, events=bus)
    for sku in ("KEYBOARD", "MOUSE"):
        item = {"sku": {"S": sku}, "on_hand": {"N": "10"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    return app


def test_a_payment_in_a_reservation_out(app, bus, rows, context):
    """One PaymentProcessed makes one record, takes the stock, and is published."""
    app.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
    by_sku = {row["sku"]: row for row in rows("inventory")}
    assert by_sku["reservation#example-1"]["quantities"] == {"KEYBOARD": 1, "MOUSE": 2}
    assert (by_sku["KEYBOARD"]["on_hand"], by_sku["MOUSE"]["on_hand"]) == (9, 8)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.inventory", "InventoryUpdated")


def test_a_crash_between_write_and_publish_is_repaired(app, bus, rows, context):
    """Written, then killed: the retry publishes the outcome that was stored."""
    bus.crash = SystemExit("killed")
    event = delivered(example("PaymentProcessed", "succeeded"))
    with pytest.raises(SystemExit):
        app.reserve(event, context)
    bus.crash = None
    app.reserve(event, context)
    stored = {row["sku"]: row for row in rows("inventory")}["reservation#example-1"]["outcome"]
    assert [entry["Detail"] for entry in bus.entries] == [stored]


def test_a_record_never_expires(app, rows, context):
    """Without its record a repeated event would take the stock a second time."""
    app.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
    assert not [row for row in rows("inventory") if "expires_at" in row]


@pytest.mark.parametrize("kind", ["reserved", "out-of-stock"])
def test_outcome_of_version_1_is_published_again_as_it_was_stored(
    app, dynamodb, bus, context, kind
):
    """It was decided before there was a version 2: the same event, byte for byte."""
    stored = example("InventoryUpdated", kind, version=1)
    record = {"sku": "reservation#example-1", "order_id": "example-1", "outcome": stored.to_json()}
    dynamodb.put_item(TableName="orderflow-inventory", Item=to_wire(record))
    app.reserve(delivered(example("PaymentProcessed", "succeeded")), context)
    assert [entry["Detail"] for entry in bus.entries] == [record["outcome"]]
