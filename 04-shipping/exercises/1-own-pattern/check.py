"""What must hold at the end of exercise 04.1."""

import copy
import json
from pathlib import Path

import pytest

from tests.fixtures.events import delivered, example
from workshop.event_patterns import InvalidPatternError, matches

PATTERN = Path(__file__).with_name("pattern.json")


def lit(shipment="", *, country="DE", total=60000, currency="EUR", event_type="ShipmentPrepared"):
    """Return whether the lamp lights up for a parcel."""
    if not PATTERN.exists():
        pytest.fail('There is no pattern.json yet: make exercise ARGS="04.1 start"', pytrace=False)
    text = PATTERN.read_text("utf-8")
    try:
        written = json.loads(text)
    except ValueError as error:
        pytest.fail(f"pattern.json is not valid JSON: {error}", pytrace=False)
    assert isinstance(written, dict), "A pattern starts with { and ends with }."
    event = copy.deepcopy(delivered(example(event_type, shipment)))
    order = event["detail"]["data"]["order"]
    order["ship_to"]["country"] = country
    order["total"], order["currency"] = total, currency
    try:
        return matches(text, event)
    except InvalidPatternError as error:
        pytest.fail(f"EventBridge refuses this pattern: {error}", pytrace=False)


def test_it_lights_up_for_valuable_parcels():
    """A parcel of 600 euros to Germany lights the lamp"""
    assert lit(), "A parcel of 600 euros goes to Germany, and the lamp stays dark."
    assert lit(total=50001), "A parcel of 500.01 euros goes to Germany, and the lamp stays dark."


def test_it_stays_dark_for_small_ones():
    """A parcel of 500 euros or less does not light the lamp"""
    assert not lit(total=2900), (
        "The lamp lights up for a parcel of 29 euros. Does it light up for every shipment?"
    )
    assert not lit(total=50000), "The lamp lights up at exactly 500 euros. It must be more."


def test_it_stays_dark_for_other_countries():
    """A parcel to France does not light the lamp"""
    assert not lit(country="FR"), "The parcel goes to France, and the lamp lights up."


def test_it_knows_euros_from_dollars():
    """An order in dollars does not light the lamp"""
    assert not lit(currency="USD"), "The order is in dollars, and the lamp lights up."


@pytest.mark.parametrize(
    "event", ["OrderCreated", "PaymentProcessed succeeded", "InventoryUpdated reserved"]
)
def test_only_shipments_count(event):
    """Other events do not light the lamp"""
    event_type, _, kind = event.partition(" ")
    dark = not lit(kind, event_type=event_type)
    assert dark, f"The lamp lights up for {event_type}, but nothing is shipped yet."
