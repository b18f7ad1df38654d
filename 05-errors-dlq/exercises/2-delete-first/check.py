"""What must hold at the end of exercise 05.2."""

import json

import pytest
from recovery.redrive import service
from recovery.redrive.consumers import Failure
from recovery.redrive.dead_letter import read

from tests.fixtures.events import delivered, example


def dead_letter(order_id):
    """Return a message of payment's queue, as Lambda writes it."""
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
    return read(message, consumer="payment", queue="failed", function_arn=arn)


class Queues:
    """Queues that hold these messages until they are deleted."""

    def __init__(self, *order_ids):
        self.dead_letters = [dead_letter(each) for each in order_ids]

    def receive(self):
        return list(self.dead_letters)

    def release(self, dead_letters):
        list(dead_letters)

    def extend_visibility(self, dead_letter):
        return True

    def delete(self, dead_letter):
        if dead_letter in self.dead_letters:  # SQS accepts a second delete
            self.dead_letters.remove(dead_letter)


class Consumers:
    """Functions that succeed, fail again, or are killed."""

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
    redriven(queues, Consumers(Failure("GatewayUnavailableError", "no answer")))
    assert queues.dead_letters, (
        "The gateway was still down, and the function failed again. But the message was already "
        "deleted: order-1 is lost."
    )


def test_a_redrive_that_is_killed_loses_nothing():
    """A redrive that is killed while the function runs keeps the message"""
    queues = Queues("order-1")
    with pytest.raises(KeyboardInterrupt):
        redriven(queues, Consumers(KeyboardInterrupt()))
    assert queues.dead_letters, "The redrive was killed during its work: order-1 is lost."


def test_what_was_done_goes():
    """A message is deleted when its function has succeeded"""
    queues, consumers = Queues("order-1", "order-2"), Consumers()
    redriven(queues, consumers)
    assert len(consumers.invoked) == 2, "Each message must be delivered once."
    assert not queues.dead_letters, "The work is done, but each redrive will do it again."
