"""Tests of finding a dead letter, and of showing its fields."""

import pytest

from workshop.errors import WorkshopError
from workshop.notebooks.dead_letters import dead_letter_of, field_table
from workshop.notebooks.tables import NOTHING

RECORD = {
    "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
    "requestPayload": {"detail-type": "PaymentProcessed", "detail": {"lines": [1]}},
}


def message(order_id):
    return {"MessageId": order_id, "Body": f'{{"correlation_id": "{order_id}"}}'}


def test_dead_letter_of_an_order_is_found_among_others():
    found = dead_letter_of([message("ord_1"), message("ord_2")], "ord_2")
    assert found["MessageId"] == "ord_2"


def test_missing_dead_letter_is_an_error():
    with pytest.raises(WorkshopError, match="at most ten at a time"):
        dead_letter_of([message("ord_1")], "ord_2")


def test_fields_are_found_by_their_paths():
    paths = {
        "requestContext.condition": "why",
        "requestContext.approximateInvokeCount": "how often",
        "requestPayload.detail-type": "what",
    }
    found = field_table(RECORD, paths)
    assert found["value"].to_dict() == {
        "requestContext.condition": "RetriesExhausted",
        "requestContext.approximateInvokeCount": 3,
        "requestPayload.detail-type": "PaymentProcessed",
    }
    assert found["what it means"].tolist() == ["why", "how often", "what"]


@pytest.mark.parametrize(
    "path", ["nowhere", "requestContext.nowhere", "requestContext.condition.x"]
)
def test_missing_field_is_a_dash(path):
    assert field_table(RECORD, {path: ""}).loc[path, "value"] == NOTHING


def test_nested_value_is_shown_as_json():
    found = field_table(RECORD, {"requestPayload.detail": ""})
    assert found.loc["requestPayload.detail", "value"] == '{"lines": [1]}'
