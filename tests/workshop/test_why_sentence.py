"""One plain sentence for the question why a function did not get an event."""

from dataclasses import replace

import pytest

from tests.fixtures.events import delivered, example
from workshop.why.answers import RuleAnswer
from workshop.why.explanation import Refusal
from workshop.why.sentence import sentence

CREATED = delivered(example("OrderCreated"))
TYPE = Refusal("detail-type", '"InventoryUpdated"', '"OrderCreated"', "")
STATUS = Refusal("detail.data.inventory.status", '"RESERVED"', "nothing", "")
SOURCE = Refusal("source", '"orderflow.inventory"', '"orderflow.order"', "")
SHIPPING = RuleAnswer("rule", "shipping", matched=False, refusals=(SOURCE, TYPE, STATUS))
PAYMENT = RuleAnswer("rule", "payment", matched=True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            SHIPPING,
            "This is normal: shipping waits for InventoryUpdated with status RESERVED.",
        ),
        (
            replace(SHIPPING, function="payment"),
            "This is not normal: payment waits for order-created, and its rule refuses this event.",
        ),
        (
            replace(PAYMENT, arrived=True, outcome="delivered"),
            "payment has processed this event: delivered.",
        ),
        (
            replace(PAYMENT, arrived=False, outcome="dropped"),
            "payment has not processed this event: dropped.",
        ),
        (replace(PAYMENT, permission="None."), "payment cannot get this event: None."),
        (PAYMENT, "payment and this event: its rule matches."),
        (
            replace(PAYMENT, enabled=False),
            "payment and this event: its rule would match, but it is disabled.",
        ),
        (
            replace(PAYMENT, matched=False, note="The rule does not exist."),
            "payment does not get this event. The rule does not exist.",
        ),
    ],
)
def test_answer_is_one_sentence(answer, expected):
    assert sentence(answer, CREATED) == expected


def test_event_of_no_known_step_is_not_called_normal():
    event = CREATED | {"detail": {}}
    expected = "shipping waits for InventoryUpdated with status RESERVED."
    assert sentence(SHIPPING, event) == expected
