"""The shipping service's test fixtures."""

import pytest
from shipping_service.store import DynamoShipmentStore

from orderflow.store import Stored


class InMemoryShipmentStore:
    """The port `ShipmentStore` without a table."""

    def __init__(self) -> None:
        self.shipments = {}

    def put_once(self, prepared, *, warehouse):
        order_id = prepared.order["order_id"]
        if order_id in self.shipments:
            return Stored(self.shipments[order_id], repeated=True)
        self.shipments[order_id] = prepared
        return Stored(prepared)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return InMemoryShipmentStore()
    name = request.getfixturevalue("make_table")("shipments")
    return DynamoShipmentStore(request.getfixturevalue("dynamodb"), name)
