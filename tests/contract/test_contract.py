"""The contract: schemas, examples, and who receives which event."""

import json
import re

import jsonschema
import pytest
from moto.events.models import EventPattern

from orderflow import contract
from orderflow.errors import InvalidEventError
from orderflow.event import Event, first_event, next_event
from orderflow.publisher import Publisher
from tests.fixtures.events import delivered, example, examples
from tests.fixtures.in_process import BUS

EXAMPLES = dict(examples())
ROOT = contract.CONTRACTS.parents[1]
PATTERNS = {
    path.stem: path.read_text("utf-8") for path in ROOT.glob("0*/terraform/patterns/*.json")
}

ROUTES = {
    "OrderCreated/v1": {"order-tracker", "payment"},
    "PaymentProcessed/v1.succeeded": {"order-tracker", "inventory"},
    "PaymentProcessed/v1.declined": {"order-tracker"},
    "PaymentProcessed/v1.refunded": {"order-tracker"},
    "InventoryUpdated/v1.reserved": {"order-tracker", "shipping"},
    "InventoryUpdated/v1.out-of-stock": {"order-tracker", "payment-refund"},
    "ShipmentPrepared/v1": {"order-tracker"},
}
"""Example → the functions that receive it; every other function does not."""


def test_every_example_has_a_route():
    """The routing table names every example, and every pattern there is."""
    assert set(ROUTES) == set(EXAMPLES)
    assert set().union(*ROUTES.values()) == set(PATTERNS)


@pytest.mark.parametrize("function", sorted(PATTERNS))
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_each_function_receives_exactly_its_events(name, function):
    """The pattern that Terraform deploys matches the example, or does not, as the table says."""
    # moto has EventBridge's matching, but not TestEventPattern.
    matches = EventPattern.load(PATTERNS[function]).matches_event(EXAMPLES[name])
    assert matches == (function in ROUTES[name])


@pytest.mark.parametrize("function", sorted(PATTERNS))
def test_a_pattern_trusts_only_the_producer(function):
    """A pattern names the sources that the contract names for its detail-types."""
    pattern = json.loads(PATTERNS[function])
    producers = {contract.PRODUCERS[event_type] for event_type in pattern["detail-type"]}
    assert set(pattern["source"]) == producers


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_keeps_the_contract(name):
    """Today's consumers accept the examples of every version."""
    event = contract.parse(EXAMPLES[name])
    assert event.correlation_id == event.order["order_id"]
    assert event.event_id == f"{event.correlation_id}/{event.step}"


def test_every_event_type_has_schema_and_example():
    """A folder per event type, an example for every version."""
    folders = {path.name for path in contract.CONTRACTS.iterdir() if path.is_dir()}
    assert folders == set(contract.PRODUCERS)
    for event_type in contract.PRODUCERS:
        for version in contract.versions(event_type):
            assert list((contract.CONTRACTS / event_type).glob(f"v{version}*.example.json"))


@pytest.mark.parametrize("event_type", sorted(contract.PRODUCERS))
def test_the_schemas_are_draft_07(event_type):
    """A second validator, not only ours, understands the schemas and accepts the examples."""
    for path in (contract.CONTRACTS / event_type).glob("v*.schema.json"):
        schema = contract.schema(path)
        jsonschema.Draft7Validator.check_schema(schema)
        for name, raw in EXAMPLES.items():
            if name.startswith(event_type):
                jsonschema.Draft7Validator(schema).validate(raw["detail"])


def broken(path, value):
    """An OrderCreated example with one field replaced, or removed when value is Ellipsis."""
    event = example("OrderCreated")
    *parents, last = path
    place = event.detail
    for key in parents:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return event


ORDER = ("data", "order")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata",), ...),
        (("metadata", "event_id"), ...),
        (("metadata", "event_id"), "another-order/order-created"),
        (("metadata", "event_id"), "example-1/Ada Example, 12 Analytical Row"),
        (("metadata", "causation_id"), "free text"),
        (("metadata", "schema_version"), ...),
        (("metadata", "schema_version"), 2),
        (("metadata", "schema_version"), "1"),
        (("metadata", "schema_version"), True),
        (("metadata", "schema_version"), []),
        (("metadata", "occurred_at"), "yesterday"),
        (("metadata", "correlation_id"), "another-order"),
        (("data", "order"), ...),
        ((*ORDER, "lines"), []),
        ((*ORDER, "lines", 0, "quantity"), 0),
        ((*ORDER, "lines", 0, "quantity"), 101),
        ((*ORDER, "lines", 0, "unit_price"), 1.5),
        ((*ORDER, "total"), -1),
        ((*ORDER, "total"), 13701),
        ((*ORDER, "total"), 13700.0),
        ((*ORDER, "lines", 0, "quantity"), 1.0),
        (("metadata", "schema_version"), 1.0),
        ((*ORDER, "currency"), "euro"),
        ((*ORDER, "ship_to", "country"), "Germany"),
        ((*ORDER, "email"), "ada@example.org"),
        (("data", "payment_method", "token"), ""),
        (("data", "payment_method", "card_number"), "4111"),
    ],
)
def test_a_broken_event_is_refused_on_both_sides(path, value, bus):
    """Producer and consumer refuse it alike, and nothing reaches the bus."""
    event = broken(path, value)
    with pytest.raises(InvalidEventError):
        contract.parse(delivered(event))
    with pytest.raises(InvalidEventError):
        Publisher(bus, BUS).publish(event)
    assert bus.entries == []


def test_a_payment_is_the_orders_total():
    """Another amount or currency than the order's is refused, whoever sends it."""
    for name, value in (("amount", 1), ("currency", "USD")):
        event = example("PaymentProcessed", "succeeded")
        event.part("payment")[name] = value
        with pytest.raises(InvalidEventError, match="total"):
            contract.parse(delivered(event))


def test_a_reason_never_quotes_a_value():
    """What is refused may be personal: the message names the field and the rule."""
    with pytest.raises(InvalidEventError) as caught:
        contract.parse(delivered(broken((*ORDER, "ship_to", "country"), "Ada Example's house")))
    assert "country" in str(caught.value)
    assert "Ada" not in str(caught.value)
    with pytest.raises(InvalidEventError) as caught:
        contract.parse(delivered(broken((*ORDER, "ship_to", "ada@example.org"), 1)))
    assert "ship_to has properties that do not belong there" in str(caught.value)
    assert "ada" not in str(caught.value)


def test_an_event_sent_again_is_recognisably_the_same():
    """The id follows from the order and the step alone."""
    created = example("OrderCreated")
    twice = {
        next_event(created, "PaymentProcessed", "payment-succeeded", {}, at=at).event_id
        for at in ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
    }
    assert twice == {"example-1/payment-succeeded"}
    first = first_event("OrderCreated", "order-created", created.order, {})
    assert (first.event_id, first.occurred_at) == (created.event_id, created.order["placed_at"])


def test_an_event_survives_its_table():
    """What a table stores is what is published again."""
    event = example("InventoryUpdated", "out-of-stock")
    assert Event.from_json(event.type, event.to_json()) == event


def test_every_event_fits_the_bus():
    """The largest event the contract allows is far below PutEvents' 256 KiB."""
    event = example("OrderCreated")
    longest = "x" * 64
    event.order["lines"] = [{"sku": longest, "quantity": 100, "unit_price": 1}] * 20
    event.order["total"] = 2000
    for field in ("recipient", "street", "city"):
        event.order["ship_to"][field] = "😀" * 100
    contract.validate(event)
    assert len(event.to_json().encode()) < 16 * 1024


@pytest.mark.parametrize("path", sorted(contract.CONTRACTS.glob("*/*.schema.json")), ids=str)
def test_schemas_refer_to_what_exists(path):
    """Every $ref of a schema points into the shared definitions."""
    names = re.findall(r"#/definitions/(\w+)", path.read_text("utf-8"))
    assert names
    assert set(names) <= set(contract.schema(path)["definitions"])


def test_the_events_to_put_by_hand_are_the_examples():
    """docs/events holds every example, named by its step, ready for `aws events put-events`."""
    ready = {path.stem: path for path in (ROOT / "docs" / "events").glob("*.json")}
    steps = {raw["detail"]["metadata"]["event_id"].split("/")[1]: raw for raw in EXAMPLES.values()}
    assert set(ready) == set(steps)
    for step, raw in steps.items():
        (entry,) = json.loads(ready[step].read_text("utf-8"))
        assert (entry["Source"], entry["DetailType"]) == (raw["source"], raw["detail-type"])
        assert json.loads(entry["Detail"]) == raw["detail"]


def test_examples_use_the_steps_the_services_use():
    """The ids of the examples are those that the services give their events."""
    services = "".join(path.read_text("utf-8") for path in ROOT.glob("0*/*_service/service.py"))
    for raw in EXAMPLES.values():
        step = raw["detail"]["metadata"]["event_id"].split("/")[1]
        payment = step.removeprefix("payment-") != step
        assert f'"{step}"' in services or (payment and 'f"payment-{' in services), step
