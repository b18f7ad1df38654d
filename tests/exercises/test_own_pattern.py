"""Exercise 04.1 is judged as EventBridge judges: correct patterns solve it, invalid ones never.

The verdicts are those of EventBridge (recorded for each kind of refusal in
tests/local_cloud/conformance/recorded/event_patterns.json).
"""

import copy
import importlib.util
import json

import pytest

from workshop.exercises.catalogue import find

RIGHT = {
    "source": ["orderflow.shipping"],
    "detail-type": ["ShipmentPrepared"],
    "detail": {
        "data": {
            "order": {
                "ship_to": {"country": ["DE"]},
                "total": [{"numeric": [">", 50000]}],
                "currency": ["EUR"],
            }
        }
    },
}


@pytest.fixture(scope="module")
def check():
    """The exercise's check, as a module."""
    spec = importlib.util.spec_from_file_location("own_pattern_check", find("04.1").check)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def solved(check, tmp_path, monkeypatch):
    """Whether a change of the correct pattern solves the exercise."""

    def judge(**order):
        pattern = copy.deepcopy(RIGHT)
        pattern["detail"]["data"]["order"] |= order
        monkeypatch.setattr(check, "PATTERN", tmp_path / "pattern.json")
        check.PATTERN.write_text(json.dumps(pattern), "utf-8")
        try:
            check.test_it_lights_up_for_valuable_parcels()
            check.test_it_stays_dark_for_small_ones()
            check.test_it_stays_dark_for_other_countries()
            check.test_it_knows_euros_from_dollars()
            check.test_only_shipments_count("OrderCreated")
        except (AssertionError, pytest.fail.Exception):
            return False
        return True

    return judge


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"lines": {"quantity": [{"numeric": [">", 0]}]}},
        {"lines": {"sku": [{"anything-but": ["NO-SUCH"]}], "quantity": [{"exists": True}]}},
        {"ship_to": {"country": [{"equals-ignore-case": "de"}]}},
        {"total": [{"numeric": [">", 50000, "<=", 99999999]}]},
    ],
    ids=["plain", "array", "array with two fields", "ignoring case", "range"],
)
def test_a_right_pattern_solves_the_exercise(order, solved):
    """However it is written, into arrays too."""
    assert solved(**order)


@pytest.mark.parametrize(
    "order",
    [
        {"total": [{"numeric": ["<=", 99999999, ">", 50000]}]},
        {"total": [{"numeric": [">", 50000, ">", 0]}]},
        {"total": [{"numeric": [">", "50000"]}]},
        {"total": [{"anything-but": {"numeric": ["<=", 50000]}}]},
        {"ship_to": {"country": [{"prefix": ["DE"]}]}},
        {"ship_to": {"country": [{"prefix": "D", "suffix": "E"}]}},
        {"ship_to": {"country": [{"wildcard": "D**E"}]}},
        {"ship_to": {"country": [{"wildcard": ["DE"]}]}},
        {"ship_to": {"country": [{"equals-ignore-case": ["de"]}]}},
        {"ship_to": {"country": [{"anything-but": ["FR", None]}]}},
        {"ship_to": {"country": [{"anything-but": ["FR", 1]}]}},
        {"$or": [{"ship_to": {"country": ["DE"]}}], "ship_to": {"country": ["DE"]}},
        {"ship_to": {}},
        {"ship_to": {"country": "DE"}},
    ],
    ids=json.dumps,
)
def test_a_pattern_that_eventbridge_refuses_does_not(order, solved):
    """Even where its meaning is clear: PutRule would refuse it."""
    assert not solved(**order)
