"""Why an event is refused: the message names the field and the rule."""

import json

import pytest

from orderflow import contract
from orderflow.errors import InvalidEventError
from tests.fixtures.events import delivered, example


def reason(raw):
    """Return why an event is refused."""
    with pytest.raises(InvalidEventError) as caught:
        contract.parse(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    "raw", [None, [], "OrderCreated", {}, {"detail-type": 5}, {"detail-type": "OrderLost"}]
)
def test_what_is_no_event_of_the_flow_is_refused_by_its_type(raw):
    assert "detail-type" in reason(raw)


def test_event_of_another_source_names_the_only_one():
    raw = delivered(example("PaymentProcessed", "succeeded"), source="orderflow.order")
    assert reason(raw) == "PaymentProcessed comes from orderflow.payment only"


@pytest.mark.parametrize("detail", [None, [], "text", {}, {"metadata": None}, {"metadata": {}}])
def test_detail_without_a_version_is_refused_by_that_field(detail):
    raw = delivered(example("OrderCreated")) | {"detail": detail}
    assert reason(raw).startswith("OrderCreated: metadata.schema_version")


def test_unknown_version_is_refused_by_that_field():
    event = example("OrderCreated")
    event.detail["metadata"]["schema_version"] = 99
    assert "schema_version" in reason(delivered(event))


def without(path):
    """Return an OrderCreated without one field."""
    raw = delivered(example("OrderCreated"))
    *parents, last = path
    place = raw["detail"]
    for key in parents:
        place = place[key]
    del place[last]
    return raw


def test_violation_names_type_version_and_field():
    assert reason(without(("data", "order", "total"))).startswith("OrderCreated v1: data.order")
    assert "total" in reason(without(("data", "order", "total")))


@pytest.mark.parametrize(
    ("field", "value"),
    [("correlation_id", "example-2"), ("event_id", "example-2/order-created")],
)
def test_id_of_another_order_is_refused_by_its_field(field, value):
    event = example("OrderCreated")
    event.detail["metadata"][field] = value
    assert reason(delivered(event)).startswith(f"OrderCreated: {field} ")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda order: order.update(total=13700.0), "detail.data.order.total"),
        (
            lambda order: order["lines"][1].update(quantity=2.0),
            "detail.data.order.lines[1].quantity",
        ),
    ],
)
def test_fraction_is_refused_by_the_path_of_its_field(change, field):
    event = example("OrderCreated")
    change(event.order)
    assert reason(delivered(event)).startswith(f"OrderCreated: {field} ")


def test_total_that_is_not_the_sum_of_the_lines_is_refused():
    event = example("OrderCreated")
    event.order["total"] += 1
    assert reason(delivered(event)).startswith("OrderCreated: the order's total")


@pytest.mark.parametrize(("field", "value"), [("amount", 1), ("currency", "USD")])
@pytest.mark.parametrize("ending", ["succeeded", "refunded"])
def test_only_a_charge_must_be_the_orders_total(field, value, ending):
    """A refund gives back what was charged, whatever total its event names."""
    event = example("PaymentProcessed", ending)
    event.part("payment")[field] = value
    if ending == "succeeded":
        assert reason(delivered(event)).startswith("PaymentProcessed: the payment")
    else:
        contract.validate(event)


def violations(change):
    """Return the violations of an OrderCreated that a function changes."""
    event = example("OrderCreated")
    change(event)
    return contract.violations(contract.CONTRACTS / "OrderCreated/v1.schema.json", event.detail)


def test_every_violation_is_named_not_only_the_first():
    def change(event):
        event.order["lines"][0]["quantity"] = 0
        event.order["currency"] = "euro"
        event.order["gift"] = 1
        event.detail["extra"] = 1

    found = violations(change)
    assert len(found) == 4
    assert sorted(each.split()[0] for each in found) == [
        "data.order",
        "data.order.currency",
        "data.order.lines[0].quantity",
        "has",  # the event itself has no name
    ]
    assert "has properties that do not belong there: extra" in found
    (pattern,) = [each for each in found if "currency" in each]
    assert pattern.startswith("data.order.currency must be: ")


@pytest.mark.parametrize(
    ("unknown", "named"),
    [
        (["gift"], ": gift"),
        (["b", "a"], ": a, b"),
        (["a", "not a name"], ": a, and others"),
        (["not a name"], ""),
        (["e", "d", "c", "b", "a"], ": a, b, c, d, e"),
        (["f", "e", "d", "c", "b", "a"], ": a, b, c, d, e, and others"),
    ],
)
def test_unknown_properties_are_named_if_they_look_like_some(unknown, named):
    found = violations(lambda event: event.order.update(dict.fromkeys(unknown, 1)))
    assert found == [f"data.order has properties that do not belong there{named}"]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"additionalProperties": False}, {"a": 1}, "has properties that do not belong there: a"),
        ({"properties": {"X": {"type": "integer"}}}, {"X": "a"}, "X must be integer"),
        ({"required": ["a"]}, {}, "must contain ['a'] properties"),
        (
            {
                "definitions": {"own": {"type": "integer"}},
                "properties": {"a": {"$ref": "#/definitions/own"}},
            },
            {"a": "x"},
            "a must be integer",
        ),
    ],
)
def test_violation_begins_with_the_field_if_there_is_one(tmp_path, schema, value, expected):
    path = tmp_path / "v1.schema.json"
    path.write_text(json.dumps({"type": "object", **schema}), "utf-8")
    assert contract.violations(path, value) == [expected]


def test_schema_has_shared_definitions_and_its_own(tmp_path):
    path = tmp_path / "v1.schema.json"
    path.write_text(json.dumps({"definitions": {"own": {"type": "integer"}}}), "utf-8")
    assert contract.schema(path)["definitions"].keys() > {"own", "order"}


def test_valid_event_has_no_violation():
    assert violations(lambda event: None) == []


def test_versions_and_sources_are_those_of_the_schemas():
    assert contract.versions("InventoryUpdated")[:2] == (1, 2)
    assert contract.source("InventoryUpdated") == "orderflow.inventory"
    assert contract.types() >= {
        "OrderCreated",
        "PaymentProcessed",
        "InventoryUpdated",
        "ShipmentPrepared",
    }
