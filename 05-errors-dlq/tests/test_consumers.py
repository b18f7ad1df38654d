"""Invoking a consumer: what counts as accepted, and what does not."""

import io
import json

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from recovery.redrive.consumers import Failure, LambdaConsumers


class FakeLambda:
    """Stands for a boto3 `lambda` client."""

    def __init__(self, payload=b"null", error=None, **answer):
        self.payload, self.error, self.answer = payload, error, answer
        self.calls = []

    def invoke(self, **call):
        self.calls.append(call)
        if self.error:
            raise self.error
        return {"StatusCode": 200, "Payload": io.BytesIO(self.payload), **self.answer}


def invoke(client, function="orderflow-payment"):
    return LambdaConsumers(client, {"payment": function}).invoke("payment", {"a": 1.0})


def test_an_accepted_event_is_answered():
    """The one function that failed is invoked, waited for, and given the event as it was."""
    client = FakeLambda(b'{"consumed": "x"}')
    assert invoke(client) is None
    (call,) = client.calls
    assert (call["FunctionName"], call["InvocationType"]) == (
        "orderflow-payment",
        "RequestResponse",
    )
    assert call["Payload"] == b'{"a": 1.0}'


def test_a_consumer_is_invoked_through_its_alias():
    """Where it has one, as every event is."""
    client = FakeLambda(b'{"consumed": "x"}')
    assert invoke(client, "orderflow-payment:live") is None
    assert client.calls[0]["FunctionName"] == "orderflow-payment:live"


def test_a_handler_that_fails_is_a_refusal():
    """With its error and its reason."""
    payload = {"errorType": "UnknownSkuError", "errorMessage": "no stock item for X"}
    client = FakeLambda(json.dumps(payload).encode(), FunctionError="Unhandled")
    assert invoke(client) == Failure("UnknownSkuError", "no stock item for X")


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"null", b"[1]", b'{"errorType": 3}', b"[" * 9999]
)
def test_a_failure_without_words_is_a_refusal_too(payload):
    """Whatever the runtime left behind."""
    assert invoke(FakeLambda(payload, FunctionError="Unhandled")) == Failure("?", "")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("TooManyRequestsException", "busy"),
        ("ResourceNotFoundException", "no such function"),
        ("AccessDeniedException", "may not invoke"),
        ("ServiceException", "did not take"),
    ],
)
def test_what_lambda_does_not_take_is_a_refusal(code, reason):
    """Throttled, gone, forbidden: its code and words that quote nothing."""
    error = ClientError({"Error": {"Code": code, "Message": "secret"}}, "Invoke")
    failure = invoke(FakeLambda(error=error))
    assert failure.error == code
    assert reason in failure.reason
    assert "secret" not in failure.reason


@pytest.mark.parametrize("kind", [ReadTimeoutError, ConnectTimeoutError, EndpointConnectionError])
def test_no_answer_is_a_refusal(kind):
    """It may have run or not: the message is kept."""
    failure = invoke(FakeLambda(error=kind(endpoint_url="https://secret")))
    assert failure.error == kind.__name__
    assert "answer" in failure.reason
    assert "secret" not in failure.reason
