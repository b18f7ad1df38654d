"""The loyalty service's test fixtures."""

import pytest
from loyalty_service.store import DynamoPointsStore

from orderflow.store import Stored


class InMemoryPointsStore:
    """The port `PointsStore` without a table."""

    def __init__(self) -> None:
        self.points = {}

    def put_once(self, awarded):
        order_id = awarded.order["order_id"]
        if order_id in self.points:
            return Stored(self.points[order_id], repeated=True)
        self.points[order_id] = awarded
        return Stored(awarded)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores, one after the other: what a test claims holds for each."""
    if request.param == "memory":
        return InMemoryPointsStore()
    name = request.getfixturevalue("make_table")("points")
    return DynamoPointsStore(request.getfixturevalue("dynamodb"), name)
