"""Tests that an order id is matched exactly: `shop-1` does not match `shop-10`."""

import json
from types import SimpleNamespace

import pytest

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.journeys import following, logs, order_rows
from workshop.journeys.hops import hop_of
from workshop.notebooks.dead_letters import dead_letter_of
from workshop.orders import cleanup, function_logs
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters, Waiting

IDS = ["shop-1", "shop-10", "shop-1.b", "my-shop-1", "shop-1_2", "shop-1."]
"""Valid ids that contain the first one."""


STEPS = dict(zip(IDS, ["one", "ten", "one-b", "mine", "one-two", "one-dot"], strict=True))
"""A different step for each order."""


def line(order_id):
    return json.dumps(
        {
            "message": "published",
            "timestamp": "2026-01-01T00:00:00.000+00:00",
            "correlation_id": order_id,
            "event_id": f"{order_id}/{STEPS[order_id]}",
            "took_ms": 1,
        },
        separators=(",", ":"),
    )


@pytest.fixture
def stack(monkeypatch):
    """A stack with one function; its log has lines about each order.

    The filter matches as on AWS: a quoted term also matches within a longer word.
    """
    messages = [line(order_id) for order_id in IDS] + [f"error in {each} here" for each in IDS]

    def paginate(filterPattern="", **_):  # noqa: N803 - boto3's name
        found = [each for each in messages if filterPattern.strip('"') in each]
        return [{"events": [{"timestamp": 0, "message": each} for each in found]}]

    logs = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    logs.exceptions = SimpleNamespace(ResourceNotFoundException=LookupError)
    monkeypatch.setattr(Target, "client", lambda *_: logs)
    monkeypatch.setattr(order_rows, "row_of", lambda *_: None)
    outputs = Outputs("", "bus", "us-east-1", {"payment": "orderflow-payment"}, {}, {})
    return Stack(Target.local("default", "http://127.0.0.1:9"), 4, outputs)


@pytest.mark.parametrize("order_id", IDS)
def test_journey_has_only_the_hops_of_its_order(stack, order_id):
    """So `follow` does not wait for the tracker's hops of another order."""
    found = logs.hops(stack, order_id)
    assert [hop.step for hop in found] == [STEPS[order_id]]
    assert following.untracked(found) == {STEPS[order_id]}


@pytest.mark.parametrize("order_id", IDS)
def test_logs_show_the_lines_of_one_order_only(stack, order_id):
    """Lines without JSON match by the id as a whole word."""
    found = function_logs.read(stack, "payment", "orderflow-payment", 0, order_id)
    assert [each.message for each in found] == [line(order_id), f"error in {order_id} here"]


def message(order_id):
    """Return a dead letter as SQS returns it, with the event inside a record."""
    metadata = {"correlation_id": order_id}
    body = json.dumps({"requestPayload": {"detail": {"metadata": metadata}}})
    return {"MessageId": order_id, "Body": body}


def test_dead_letter_is_found_by_the_whole_order_id():
    found = [message(order_id) for order_id in reversed(IDS)]
    for order_id in IDS:
        assert dead_letter_of(found, order_id)["MessageId"] == order_id
    with pytest.raises(WorkshopError):
        dead_letter_of(found, "shop")


def test_clean_up_deletes_no_dead_letters_of_other_orders(monkeypatch):
    messages = [SimpleNamespace(body=message(order_id)["Body"]) for order_id in IDS]
    deleted = []
    queues = SimpleNamespace(
        waiting=lambda: {"payment": Waiting(len(IDS), 0)},
        receive=lambda: messages,
        delete=deleted.append,
        release=lambda _: None,
    )
    monkeypatch.setattr(dead_letters, "of", lambda _: DeadLetters(queues, None, ()))
    cleanup.delete_dead_letters(None, "shop-1")
    assert deleted == messages[:1]


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        "{",
        "[" * 100_000,
        json.dumps({"message": 5, "timestamp": "2026-01-01T00:00:00Z"}),
        json.dumps({"message": "published", "timestamp": "2026-01-01T00:00:00Z"}),
        json.dumps({"message": "published", "timestamp": "2026-01-01T00:00:00Z", "took_ms": 1e300}),
        json.dumps({"message": "consumed", "timestamp": "2026-01-01T00:00:00"}),
        json.dumps({"message": "consumed", "timestamp": 5}),
    ],
)
def test_line_of_another_form_is_no_hop(text):
    """A learner's own lines are in the same log; without a time zone they cannot be sorted."""
    assert hop_of("payment", text) is None
