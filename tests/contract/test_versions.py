"""Versions of events: today's services understand all that was ever sent."""

import copy

import pytest
from inventory_service import app as inventory
from inventory_service import service as inventory_service
from order_service.tracker_app import build_tracker
from payment_service import app as payment
from shipping_service import app as shipping

from orderflow import contract, upcast
from orderflow.errors import InvalidEventError
from orderflow.event import Event
from tests.fixtures.events import delivered, example, examples
from workshop.event_patterns import matches
from workshop.paths import in_stages

OLDER = {
    name: raw
    for name, raw in examples()
    if raw["detail"]["metadata"]["schema_version"] < contract.versions(raw["detail-type"])[-1]
}
"""The examples of every version that is not the newest."""

PATTERNS = {path.stem: path.read_text("utf-8") for path in in_stages("terraform/patterns/*.json")}


def test_an_older_version_is_among_the_examples():
    """Otherwise the tests below would test nothing."""
    assert OLDER


def test_every_older_version_has_an_upcast_and_no_other_has():
    assert set(upcast.NEXT) == {
        (event_type, version)
        for event_type in contract.types()
        for version in contract.versions(event_type)[:-1]
    }


@pytest.mark.parametrize("event_type", sorted(contract.types()))
def test_versions_of_a_type_have_no_gap(event_type):
    found = contract.versions(event_type)
    assert found == tuple(range(1, len(found) + 1))


@pytest.mark.parametrize("name", sorted(OLDER))
def test_older_example_becomes_a_valid_event_of_the_newest_version(name):
    sent = OLDER[name]["detail"]
    event = contract.parse(OLDER[name])
    contract.validate(event)
    assert event.version == contract.versions(event.type)[-1]
    assert event.order == sent["data"]["order"]
    kept = {key: value for key, value in sent["metadata"].items() if key != "schema_version"}
    assert event.detail["metadata"] == kept | {"schema_version": event.version}


@pytest.mark.parametrize("name", sorted(OLDER))
def test_upcast_changes_no_input(name):
    """What a function got is what a failure record shows."""
    before = copy.deepcopy(OLDER[name])
    contract.parse(OLDER[name])
    assert OLDER[name] == before


@pytest.mark.parametrize(
    ("kind", "warehouse"), [("reserved", upcast.FIRST_WAREHOUSE), ("out-of-stock", None)]
)
def test_only_a_reservation_of_version_1_gets_the_first_warehouse(kind, warehouse):
    sent = example("InventoryUpdated", kind, version=1)
    read = contract.parse(delivered(sent)).part("inventory")
    assert read.pop("warehouse", None) == warehouse
    assert read == sent.part("inventory")


def test_event_of_the_newest_version_is_read_as_it_is():
    sent = example("InventoryUpdated", "reserved")
    sent.part("inventory")["warehouse"] = "CHICAGO"
    assert contract.parse(delivered(sent)) == sent


@pytest.fixture
def entries(environment, dynamodb, bus):
    """Function → its entry point, all in this process; there is stock for every example."""
    environment("inventory")
    for sku in ("KEYBOARD", "MOUSE"):
        item = {"sku": {"S": sku}, "on_hand": {"N": "10"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    clients = {"dynamodb": dynamodb, "events": bus}
    paying = payment.build(environment("payments"), **clients)
    return {
        "order-tracker": build_tracker(environment("orders"), dynamodb=dynamodb).track,
        "payment": paying.charge,
        "payment-refund": paying.refund,
        "inventory": inventory.build(environment("inventory"), **clients).reserve,
        "shipping": shipping.build(environment("shipments"), **clients).prepare,
    }


@pytest.mark.parametrize("name", sorted(dict(examples())))
def test_every_consumer_processes_every_version(name, entries, context):
    """The compatibility test: examples of all versions, and the consumers as they are today."""
    raw = dict(examples())[name]
    event = delivered(Event(raw["detail-type"], raw["detail"]))
    receivers = [key for key, pattern in PATTERNS.items() if matches(pattern, raw)]
    assert "order-tracker" in receivers
    for key in receivers:
        assert entries[key](event, context)["consumed"] == raw["detail"]["metadata"]["event_id"]


@pytest.mark.parametrize(
    ("version", "kind", "warehouse"),
    [
        (1, "reserved", "ROTTERDAM"),
        (1, "out-of-stock", "ROTTERDAM"),
        (2, "reserved", None),
        (2, "reserved", ""),
        (2, "out-of-stock", "ROTTERDAM"),
    ],
)
def test_event_that_mixes_versions_is_refused(version, kind, warehouse):
    """The warehouse is what version 2 adds: to a reservation, always, and to nothing else."""
    event = example("InventoryUpdated", kind, version=version)
    event.part("inventory").pop("warehouse", None)
    if warehouse is not None:
        event.part("inventory")["warehouse"] = warehouse
    with pytest.raises(InvalidEventError, match=f"InventoryUpdated v{version}"):
        contract.parse(delivered(event))


def test_version_that_a_producer_sends_has_a_schema():
    assert inventory_service.VERSION in contract.versions("InventoryUpdated")
