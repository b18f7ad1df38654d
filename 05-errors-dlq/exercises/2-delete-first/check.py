"""What must hold at the end of exercise 05.2."""

import json

import pytest
from recovery.redrive import service
from recovery.redrive.consumers import Refusal
from recovery.redrive.dead_letter import read

from tests.fixtures.events import delivered, example


def letter(order_id):
    """A message of payment's queue, as Lambda writes it."""
    arn = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment"
    body = {
        "requestContext": {
            "functionArn": arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": delivered(example("OrderCreated", order_id=order_id)),
        "responsePayload": {"errorType": "GatewayUnavailableError", "errorMessage": "no answer"},
    }
    message = {
        "MessageId": order_id,
        "ReceiptHandle": order_id,
        "Body": json.dumps(body),
        "Attributes": {"SentTimestamp": "1768471500000"},
    }
    return read(message, consumer="payment", queue="failed", function_name="orderflow-payment")


class Queues:
    """Queues that hold these messages until they are deleted."""

    def __init__(self, *order_ids):
        self.letters = [letter(each) for each in order_ids]

    def take(self):
        return list(self.letters)

    def put_back(self, letters):
        list(letters)

    def hold(self, letter):
        return True

    def delete(self, letter):
        self.letters.remove(letter)


class Consumers:
    """Functions that return, fail again, or are cut off."""

    def __init__(self, answer=None):
        self.answer = answer
        self.invoked = []

    def invoke(self, consumer, event):
        self.invoked.append(consumer)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def redriven(queues, consumers):
    return list(service.redrive(queues, consumers, sleep=lambda _: None))


def test_what_fails_again_stays():
    """A message whose function fails again stays in its queue"""
    queues = Queues("order-1")
    redriven(queues, Consumers(Refusal("GatewayUnavailableError", "no answer")))
    assert queues.letters, (
        "The gateway was still down, the function failed again, and the message had been "
        "deleted: order-1 is lost."
    )


def test_a_redrive_that_is_killed_loses_nothing():
    """A redrive that dies while the function runs leaves the message"""
    queues = Queues("order-1")
    with pytest.raises(KeyboardInterrupt):
        redriven(queues, Consumers(KeyboardInterrupt()))
    assert queues.letters, "The redrive was killed in mid-work, and order-1 is lost."


def test_what_was_done_goes():
    """A message whose function has returned leaves the queue"""
    queues, consumers = Queues("order-1", "order-2"), Consumers()
    redriven(queues, consumers)
    assert len(consumers.invoked) == 2, "Not every message was handed to its function, once."
    assert not queues.letters, "The work is done, and its message will be redriven for ever."
