"""The contract: schemas, examples, and who receives which event."""

import json
import re

import jsonschema
import pytest
from order_service import status

from orderflow import contract
from orderflow.errors import InvalidEventError
from orderflow.event import Event, first_event, next_event
from orderflow.publisher import Publisher
from tests.fixtures.events import delivered, example, examples
from tests.fixtures.in_process import BUS
from workshop.event_patterns import matches
from workshop.paths import in_stages
from workshop.stages import flow

EXAMPLES = dict(examples())
ROOT = contract.CONTRACTS.parents[1]
PATTERNS = {path.stem: path.read_text("utf-8") for path in in_stages("terraform/patterns/*.json")}

STEPS = {
    name: raw["detail"]["metadata"]["event_id"].rpartition("/")[2] for name, raw in EXAMPLES.items()
}
"""Example → its step."""


def version_of(raw):
    return raw["detail"]["metadata"]["schema_version"]


def is_newest(raw):
    return version_of(raw) == contract.versions(raw["detail-type"])[-1]


def test_every_step_of_the_stages_has_an_example():
    """What the `stage.toml` files call steps and consumers is what the contract calls them."""
    assert set(flow().steps) == set(STEPS.values())
    assert {each.key for each in flow().functions.values() if each.consumes} == set(PATTERNS)


@pytest.mark.parametrize("function", sorted(PATTERNS))
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_each_function_receives_exactly_its_events(name, function):
    """The pattern that Terraform deploys matches the example, or does not, as `stage.toml` says."""
    received = flow().functions[function].receives(STEPS[name])
    assert matches(PATTERNS[function], EXAMPLES[name]) == received


@pytest.mark.parametrize("function", sorted(PATTERNS))
def test_a_pattern_trusts_only_the_producer(function):
    """A pattern names the sources that the contract names for its detail-types."""
    pattern = json.loads(PATTERNS[function])
    producers = {contract.source(event_type) for event_type in pattern["detail-type"]}
    assert set(pattern["source"]) == producers


def test_terraform_permits_each_function_its_own_source_only():
    """The source and the detail-type that a role may publish belong together in the contract."""
    text = "".join(path.read_text("utf-8") for path in in_stages("terraform/*.tf"))
    permitted = re.findall(r'source += "(.+)"\n +detail_type += "(.+)"', text)
    assert len(permitted) == len(re.findall("detail_type +=", text))
    assert {event_type for _, event_type in permitted} == contract.types()
    assert permitted == [(contract.source(event_type), event_type) for _, event_type in permitted]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_stage_files_and_order_tracker_agree_on_statuses(name):
    """`stage.toml` names the status of each step that changes one; the tracker sets it."""
    declared, event = flow().statuses, contract.parse(EXAMPLES[name])
    if event.step in declared:
        assert status.status_after(event) == declared[event.step]
    else:  # no change: the order has this status already, or the event gives none
        assert status.status_after(event) in {None, *_statuses_before(event.step)}


def _statuses_before(step):
    """Return the statuses of the steps that the producers of a step consume."""
    producers = [each for each in flow().functions.values() if step in each.publishes]
    return {flow().statuses.get(each) for function in producers for each in function.consumes}


def test_an_order_ends_with_the_same_statuses_everywhere():
    """What has the final rank for the tracker is an ending for the tools, and nothing else."""
    final = {name for name, rank in status.RANKS.items() if rank == status.FINAL_RANK}
    assert flow().endings() == final
    assert set(flow().statuses.values()) == set(status.RANKS)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_keeps_the_contract(name):
    """Today's consumers accept the examples of every version."""
    event = contract.parse(EXAMPLES[name])
    assert event.correlation_id == event.order["order_id"]
    assert event.event_id == f"{event.correlation_id}/{event.step}"


def test_every_event_type_has_schema_and_example():
    """A folder per event type, an example for every version."""
    assert contract.types()
    for event_type in contract.types():
        assert contract.versions(event_type)
        for version in contract.versions(event_type):
            assert list((contract.CONTRACTS / event_type).glob(f"v{version}*.example.json"))


def test_a_folder_without_a_schema_is_no_event_type(monkeypatch, tmp_path):
    """An event of its name is refused as unknown, and not by an error of the code."""
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(contract, "CONTRACTS", tmp_path)
    assert contract.types.__wrapped__() == frozenset()


@pytest.mark.parametrize("event_type", sorted(contract.types()))
def test_the_schemas_are_draft_07(event_type):
    """A second validator, not only ours, understands the schemas and accepts the examples."""
    for version in contract.versions(event_type):
        schema = contract.schema(contract.CONTRACTS / event_type / f"v{version}.schema.json")
        jsonschema.Draft7Validator.check_schema(schema)
        for name, raw in EXAMPLES.items():
            if name.startswith(event_type):
                valid = jsonschema.Draft7Validator(schema).is_valid(raw["detail"])
                assert valid == (version_of(raw) == version), name


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
        ((*ORDER, "ship_to", "country"), "ZZ"),
        ((*ORDER, "currency"), "ZZZ"),
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
        contract.parse(delivered(broken((*ORDER, "ship_to", "country"), "Ada Example's street")))
    assert "country" in str(caught.value)
    assert "Ada" not in str(caught.value)
    with pytest.raises(InvalidEventError) as caught:
        contract.parse(delivered(broken((*ORDER, "ship_to", "ada@example.org"), 1)))
    assert "ship_to has properties that do not belong there" in str(caught.value)
    assert "ada" not in str(caught.value)


def test_a_reason_names_unknown_properties_that_look_like_some():
    """The event's sender sees which; what might be a value, such as an address, is not named."""
    event = example("OrderCreated")
    event.detail["data"]["order"] |= {"gift_wrap": True, "e-mail@example.org": 1} | {
        f"note{n}": n for n in range(9)
    }
    with pytest.raises(InvalidEventError) as caught:
        contract.parse(delivered(event))
    reason = str(caught.value)
    assert reason.endswith("belong there: gift_wrap, note0, note1, note2, note3, and others")


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


def test_events_to_put_manually_are_the_examples():
    """docs/events holds every example, named by its step, ready for `aws events put-events`.

    One of an older version has its number in its name.
    """
    ready = {path.stem: path for path in (ROOT / "docs" / "events").glob("*.json")}
    expected = {
        STEPS[name] + ("" if is_newest(raw) else f"-v{version_of(raw)}"): raw
        for name, raw in EXAMPLES.items()
    }
    assert set(ready) == set(expected)
    for name, raw in expected.items():
        (entry,) = json.loads(ready[name].read_text("utf-8"))
        assert (entry["Source"], entry["DetailType"]) == (raw["source"], raw["detail-type"])
        assert json.loads(entry["Detail"]) == raw["detail"]


def test_examples_use_the_steps_the_services_use():
    """The ids of the examples are those that the services give their events."""
    services = "".join(path.read_text("utf-8") for path in in_stages("*_service/service.py"))
    for raw in EXAMPLES.values():
        step = raw["detail"]["metadata"]["event_id"].split("/")[1]
        payment = step.removeprefix("payment-") != step
        assert f'"{step}"' in services or (payment and 'f"payment-{' in services), step
