"""The loyalty function: event in, table and event out."""

import pytest
from loyalty_service.app import build

from tests.fixtures.events import delivered, example

SHIPPED = delivered(example("ShipmentPrepared"))


@pytest.fixture
def app(environment, dynamodb, bus):
    return build(environment("points"), dynamodb=dynamodb, events=bus)


def test_a_shipment_awards_points_and_publishes_them(app, bus, rows, context):
    app.award(SHIPPED, context)
    (row,) = rows("points")
    assert (row["customer_id"], row["points"]) == ("customer-7", 137)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.loyalty", "PointsAwarded")


def test_a_crash_between_write_and_publish_is_repaired(app, bus, rows, context):
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        app.award(SHIPPED, context)
    bus.crash = None
    app.award(SHIPPED, context)
    assert [entry["Detail"] for entry in bus.entries] == [rows("points")[0]["outcome"]]
