"""The checks of exercise 02.2."""

import json

import pytest
from payment_service.app import build
from payment_service.gateway import ChargeResult, GatewayUnavailableError

from tests.fixtures.events import delivered, example


class Gateway:
    """A gateway that always gives the same answer: a result, or none (None)."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    def charge(self, request):
        self.asked += 1
        if self.asked > 50:
            pytest.fail("The function calls the gateway without limit, until Lambda stops it.")
        if self.answer is None:
            raise GatewayUnavailableError("no answer")
        return self.answer


GOOD = ChargeResult(charge_id="ch_0123456789abcdef")
BAD = ChargeResult(decline_reason="declined by the bank")


@pytest.fixture
def asked(environment, dynamodb, bus, context):
    """Deliver an order to payment, once for each answer of the gateway.

    Return the published statuses and the errors that were raised.
    """

    def ask(*answers):
        raised = []
        for answer in answers:
            app = build(
                environment("payments"), dynamodb=dynamodb, events=bus, gateway=Gateway(answer)
            )
            try:
                app.charge(delivered(example("OrderCreated")), context)
            except Exception as error:  # noqa: BLE001 - Lambda tries again after any error
                raised.append(error)
        return [_status(each) for each in bus.entries], raised

    return ask


def _status(entry):
    payment = json.loads(entry["Detail"])["data"].get("payment")
    return payment["status"] if payment else entry["DetailType"]


def test_a_gateway_without_answer_is_called_again(asked):
    """If the gateway does not answer for a moment, the order is paid later"""
    published, raised = asked(None, GOOD)
    assert published[:1] != ["DECLINED"], (
        "The gateway did not answer for a moment, and the customer reads that the bank said no."
    )
    assert raised, "The gateway did not answer, but the function reports success."
    assert published == ["SUCCEEDED"], (
        "The gateway answers again and the card is good, but what was published is "
        f"{' '.join(published) or 'nothing'}."
    )


def test_nothing_is_published_while_the_gateway_is_down(asked):
    """If the gateway does not answer three times, nothing is declined"""
    published, raised = asked(None, None, None)
    assert not published, (
        "The gateway did not answer three times, but what was published is "
        f"{' and '.join(published)}, as if the bank had answered."
    )
    assert len(raised) == 3, (
        "The gateway did not answer three times, but the function reports success: Lambda will "
        "not try again."
    )


def test_a_decline_is_published_and_not_retried(asked):
    """A decline is published, and the bank is not asked again"""
    published, raised = asked(BAD)
    assert published == ["DECLINED"], (
        f"The bank said no, but what was published is {' '.join(published) or 'nothing'}."
    )
    assert not raised, (
        "The bank said no, but the function raises an error: Lambda asks it twice more."
    )
