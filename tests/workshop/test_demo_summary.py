"""The demo's summary: a line per order, with a column for each table of the stages."""

import io

from rich.console import Console

from workshop.orders import demo
from workshop.stages import flow

ROWS = {
    "orders": {"status": "SHIPMENT_PREPARED"},
    "payments": {"status": "SUCCEEDED", "amount": 2900, "currency": "EUR", "attempts": 3},
    "inventory": {"status": "RESERVED"},
    "shipments": {"status": "PREPARED", "shipment_id": "shp_0123456789"},
}


def test_summary_shows_the_attribute_that_each_stage_names():
    """A long status is whole, an id is shortened, and a payment has its amount and its tries."""
    endings = [
        demo.Ending(demo.SCENARIOS[0], "ord_0123456789", ROWS),
        demo.Ending(demo.SCENARIOS[1], "ord_9876543210", {"orders": {"status": "CREATED"}}),
    ]
    page = Console(width=120, file=io.StringIO())
    page.print(demo.summary(endings))
    heads, first, tries, second = (line.split() for line in page.file.getvalue().splitlines())
    assert heads == ["order", *flow().tables]
    assert first[:3] == ["1", "ord_0123…", "SHIPMENT_PREPARED"]
    assert first[3:] == ["SUCCEEDED", "29.00", "EUR", "RESERVED", "shp_0123…"]
    assert tries == ["3", "tries"]
    assert second == ["2", "ord_9876…", "CREATED", "–", "–", "–"]
