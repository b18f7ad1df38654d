"""What must hold at the end of exercise 02.2."""

import json

import pytest
from payment_service.gateway import ChargeResult, GatewayUnavailableError

from tests.fixtures.events import delivered, example


class Gateway:
    """Answers as it is told, however often it is asked: a result, or nothing at all (None)."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    def charge(self, request):
        self.asked += 1
        if self.asked > 50:
            pytest.fail("The function asks for ever; Lambda will cut it off, and pay for it.")
        if self.answer is None:
            raise GatewayUnavailableError("no answer")
        return self.answer


GOOD = ChargeResult(charge_id="ch_0123456789abcdef")
BAD = ChargeResult(decline_reason="declined by the bank")


@pytest.fixture
def asked(load_handler, monkeypatch, context, bus):
    """Hand an order to payment, once for each answer that the gateway has in that moment.

    Returns the statuses that were published, and what was raised.
    """
    handler = load_handler("payment_service", "payments")

    def ask(*answers):
        raised = []
        for answer in answers:
            monkeypatch.setattr(handler, "gateway", Gateway(answer))
            try:
                handler.charge(delivered(example("OrderCreated")), context)
            except Exception as error:  # noqa: BLE001 - whatever it is: Lambda tries again
                raised.append(error)
        return [_told(each) for each in bus.entries], raised

    return ask


def _told(entry):
    payment = json.loads(entry["Detail"])["data"].get("payment")
    return payment["status"] if payment else entry["DetailType"]


def test_a_gateway_that_is_away_is_asked_again(asked):
    """A gateway that does not answer for a moment costs no customer their order"""
    told, raised = asked(None, GOOD)
    assert told[:1] != ["DECLINED"], (
        "The gateway was away for a moment, and the customer was told that the bank had said no."
    )
    assert raised, "The gateway gave no answer, and the function says that all is well."
    assert told == ["SUCCEEDED"], (
        f"The gateway was back, the card is good, and {' '.join(told) or 'nothing'} was published."
    )


def test_a_gateway_that_stays_away_decides_nothing(asked):
    """A gateway that stays away for three tries has not declined anything"""
    told, raised = asked(None, None, None)
    assert not told, (
        "The gateway gave no answer three times, and the customer was told "
        f"{' and '.join(told)}, as if the bank had answered."
    )
    assert len(raised) == 3, (
        "The gateway gave no answer three times, and the function says that all is well: Lambda "
        "will not try again."
    )


def test_a_decline_is_an_answer(asked):
    """A decline is published, and nobody asks the bank again"""
    told, raised = asked(BAD)
    assert told == ["DECLINED"], (
        f"The bank said no, and {' '.join(told) or 'nothing'} was published."
    )
    assert not raised, "The bank said no, and Lambda will ask it two more times."
