"""Bodies that can be read, and are refused all the same."""

import base64
import json

import pytest

from tests.fixtures.events import order_request

BODY = json.dumps(order_request() | {"ship_to": order_request()["ship_to"] | {"city": "Zoë"}})


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_body_in_another_encoding_is_refused(post, rows, encoding):
    """Bytes, or text that API Gateway made of them: 400, and no name is damaged."""
    raw = json.dumps(json.loads(BODY), ensure_ascii=False).encode(encoding)
    for body in (
        {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True},
        {"body": raw.decode(errors="replace")},
    ):
        sent = body.pop("body")
        status, problem, _ = post(sent, raw=True, **body)
        assert status == 400
        assert "UTF-8" in problem["detail"]
    assert rows("orders") == []


@pytest.mark.parametrize(
    "twice", ['"quantity": 1, "quantity": 100', '"quantity": 1, "quantity": 1']
)
def test_a_property_that_is_there_twice_is_refused(post, rows, twice):
    """Which of two values counts is up to the parser: nobody may guess."""
    body = json.dumps(order_request()).replace('"quantity": 1', twice, 1)
    status, problem, _ = post(body, raw=True)
    assert (status, problem["faults"]) == (
        400,
        ["the body must not name a property of an object twice"],
    )
    assert rows("orders") == []


def test_an_unknown_property_is_named(post):
    _, problem, _ = post(order_request(gift_wrap=True))
    assert problem["faults"] == ["has properties that do not belong there: gift_wrap"]
