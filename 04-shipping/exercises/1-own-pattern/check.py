"""What must hold at the end of exercise 04.1."""

import copy
import json
from pathlib import Path

import pytest
from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern

from tests.fixtures.events import delivered, example

PATTERN = Path(__file__).with_name("pattern.json")


def lit(shipment="", *, country="DE", total=60000, currency="EUR", event_type="ShipmentPrepared"):
    """Whether the lamp lights up for such a parcel."""
    if not PATTERN.exists():
        pytest.fail('There is no pattern.json yet: make exercise ARGS="04.1 start"', pytrace=False)
    try:
        written = json.loads(PATTERN.read_text("utf-8"))
    except ValueError as error:
        pytest.fail(f"pattern.json is no JSON: {error}", pytrace=False)
    assert isinstance(written, dict), "A pattern begins with { and ends with }."
    event = copy.deepcopy(delivered(example(event_type, shipment)))
    order = event["detail"]["data"]["order"]
    order["ship_to"]["country"] = country
    order["total"], order["currency"] = total, currency
    try:
        pattern = EventPattern.load(json.dumps(written))
        return bool(pattern.matches_event(json.loads(json.dumps(event))))
    except (InvalidEventPatternException, KeyError, TypeError, ValueError) as error:
        told = getattr(error, "message", f"Its numbers cannot be compared: {error}.")
        pytest.fail(f"EventBridge would not take this pattern. {told}", pytrace=False)


def test_it_lights_up_for_valuable_parcels():
    """A parcel of 600 euros to Germany lights the lamp"""
    assert lit(), "A parcel of 600 euros goes to Germany, and the lamp stays dark."
    assert lit(total=50001), "A parcel of 500.01 euros goes to Germany, and the lamp stays dark."


def test_it_stays_dark_for_small_ones():
    """A parcel of 500 euros and less leaves it dark"""
    assert not lit(total=2900), (
        "The lamp lights up for a mouse of 29 euros: does it light up for every shipment?"
    )
    assert not lit(total=50000), "The lamp lights up at 500 euros; it should from more on."


def test_it_stays_dark_for_other_countries():
    """A parcel to France leaves it dark"""
    assert not lit(country="FR"), "The parcel goes to France, and the lamp lights up."


def test_it_knows_euros_from_dollars():
    """600 dollars are not more than 500 euros"""
    assert not lit(currency="USD"), "The order is in dollars, and the lamp lights up."


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [("OrderCreated", ""), ("PaymentProcessed", "succeeded"), ("InventoryUpdated", "reserved")],
)
def test_only_shipments_count(event_type, kind):
    """Other events leave it dark"""
    dark = not lit(kind, event_type=event_type)
    assert dark, f"Nothing is shipped yet, it is only {event_type}, and the lamp lights up."
