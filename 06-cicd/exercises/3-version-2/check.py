"""What must hold at the end of exercise 06.3."""

import copy
import json

import pytest
from order_service.tracker_app import build_tracker
from recovery.redrive import service as redrive
from recovery.redrive.dead_letter import read
from shipping_service import app as shipping

from orderflow import contract
from orderflow.dynamodb import to_wire
from orderflow.errors import InvalidEventError
from orderflow.event import Event
from tests.fixtures.events import delivered, example

TYPE = "ShipmentPrepared"
FOLDER = contract.CONTRACTS / TYPE


def old(order_id="example-1"):
    """Return an event of version 1."""
    return example(TYPE, order_id=order_id, version=1)


def new(order_id="example-1", **shipment):
    """Return an event of version 2, with these fields of a shipment."""
    event = copy.deepcopy(old(order_id))
    event.detail["metadata"]["schema_version"] = 2
    event.part("shipment").update(shipment)
    return event


def problem(event):
    """Return why the contract refuses an event; empty if it accepts it."""
    try:
        contract.validate(event)
    except InvalidEventError as error:
        return str(error)
    except (OSError, ValueError, KeyError) as error:
        pytest.fail(f"v2.schema.json cannot be read: {error}", pytrace=False)
    return ""


def parsed(raw):
    """Return a delivered event as a consumer reads it."""
    try:
        return contract.parse(raw)
    except InvalidEventError as error:
        return pytest.fail(f"A consumer refuses the event: {error}", pytrace=False)


def test_version_2_has_its_number_and_a_service():
    """Version 2 requires its number and a service"""
    why = problem(new(service="EXPRESS"))
    assert "schema_version" not in why, (
        f"An event of version 2 is refused: {why}. So "
        "the schema of version 2 still requires the schema_version 1."
    )
    assert not why, f"An event of version 2 with a service is refused: {why}."
    assert not problem(new(service="STANDARD")), "The service STANDARD is refused."
    assert problem(new()), "An event of version 2 without a service is accepted."
    assert problem(new(service="BY BOAT")), "Any text is accepted as a service."
    assert problem(new(service="EXPRESS", truck=1)), "Version 2 accepts unknown fields."


def test_version_1_is_what_it_was():
    """Version 1 is what it was"""
    event = old()
    assert not problem(event), f"Version 1 is refused: {problem(event)}."
    event.part("shipment")["service"] = "EXPRESS"
    assert problem(event), "Version 1 accepts a service now. It must not change any more."


def test_an_example_shows_version_2():
    """There is an example of version 2"""
    path = FOLDER / "v2.example.json"
    assert path.exists(), f"{path.name} is missing."
    try:
        raw = json.loads(path.read_text("utf-8"))
        event = Event(raw["detail-type"], raw["detail"])
        version = event.version
    except (ValueError, KeyError, TypeError) as error:
        pytest.fail(f"v2.example.json is no example of an event: {error!r}", pytrace=False)
    assert version == 2, f"The example is of version {version}."
    assert not problem(event), f"The example breaks its own contract: {problem(event)}."


def test_a_consumer_reads_version_1_as_version_2():
    """A consumer reads version 1 as version 2"""
    raw = delivered(old())
    read_as = parsed(raw)
    assert raw == delivered(old()), "The upcast changed the event that came."
    assert read_as.version == 2, f"A consumer reads version 1 as version {read_as.version}."
    assert not problem(read_as), f"What the upcast makes is no version 2: {problem(read_as)}."
    assert read_as.part("shipment")["service"] == "STANDARD", (
        "Every shipment of version 1 had the service STANDARD. The upcast says "
        f"{read_as.part('shipment')['service']}."
    )
    sent = delivered(new(service="EXPRESS"))
    assert parsed(sent).part("shipment")["service"] == "EXPRESS", (
        "An event of version 2 loses its service."
    )


@pytest.fixture
def track(environment, dynamodb, context):
    """Run the order tracker with an event; return what it did."""
    app = build_tracker(environment("orders"), dynamodb=dynamodb)
    return lambda raw: app.track(raw, context)


@pytest.fixture
def prepare(environment, dynamodb, bus, context):
    """Run shipping with a reservation for a country; return the event that it publishes."""
    app = shipping.build(environment("shipments"), dynamodb=dynamodb, events=bus)

    def run(order_id, country):
        reserved = example("InventoryUpdated", "reserved", order_id=order_id)
        reserved.order["ship_to"]["country"] = country
        try:
            app.prepare(delivered(reserved), context)
        except InvalidEventError as error:
            pytest.fail(f"Shipping cannot publish its event: {error}", pytrace=False)
        return Event.from_json(TYPE, bus.entries[-1]["Detail"])

    return run


def test_the_order_tracker_understands_both(track, rows):
    """The order tracker understands both versions"""
    for event in (old("order-1"), new("order-2", service="EXPRESS")):
        try:
            track(delivered(event))
        except InvalidEventError as error:
            pytest.fail(
                f"The order tracker refuses version {event.version}: {error}", pytrace=False
            )
    assert {row["status"] for row in rows("orders")} == {"SHIPMENT_PREPARED"}


@pytest.mark.parametrize(("country", "service"), [("DE", "STANDARD"), ("US", "EXPRESS")])
def test_shipping_sends_version_2(prepare, country, service):
    """Shipping sends version 2, with the service for the country"""
    sent = prepare("example-1", country)
    assert sent.version == 2, f"Shipping sends version {sent.version}."
    found = sent.part("shipment")["service"]
    assert found == service, f"A shipment to {country} has the service {found}."


def test_a_stored_shipment_is_published_as_it_was(prepare, dynamodb):
    """A shipment of version 1 is published again as it was stored"""
    stored = old()
    row = {"order_id": "example-1", "status": "PREPARED", "outcome": stored.to_json()}
    dynamodb.put_item(TableName="orderflow-shipments", Item=to_wire(row))
    again = prepare("example-1", "US")
    assert again == stored, "The stored event was changed before it was published again."


class Queue:
    """The dead-letter queue of the order tracker, with one message."""

    def __init__(self, event):
        arn = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-order-tracker"
        record = {
            "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
            "requestPayload": delivered(event),
        }
        message = {"MessageId": "1", "ReceiptHandle": "1", "Body": json.dumps(record)}
        self.messages = [read(message, consumer="order-tracker", queue="failed", function_arn=arn)]

    def receive(self):
        return list(self.messages)

    def release(self, dead_letters):
        list(dead_letters)

    def extend_visibility(self, dead_letter):
        return True

    def delete(self, dead_letter):
        self.messages.remove(dead_letter)


class Consumers:
    """The order tracker, as the redrive invokes it."""

    def __init__(self, track):
        self.track = track

    def invoke(self, consumer, event):
        self.track(event)


def test_an_old_dead_letter_is_redriven(track, rows):
    """A dead letter of version 1 is redriven"""
    queue = Queue(old())
    found = list(redrive.redrive(queue, Consumers(track), sleep=lambda _: None))
    assert [each.result.value for each in found] == ["redriven"], (
        "The order tracker failed again with a dead letter of version 1."
    )
    assert queue.messages == []
    assert [row["status"] for row in rows("orders")] == ["SHIPMENT_PREPARED"]
