"""What AWS refused, or did not answer, is one sentence."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from orderflow.errors import OrderflowError
from workshop.deployment.aws_errors import aws_errors
from workshop.errors import WorkshopError


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "ReceiveMessage")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (refused("AccessDenied"), "AWS did not do what it was asked: .*AccessDenied"),
        (OrderflowError("throttled"), "AWS did not do what it was asked: throttled"),
        (refused("QueueDoesNotExist"), r"operation: no\. `make status` shows what is missing\.$"),
        (OrderflowError("NonExistentQueue."), r"Queue\. `make status` shows"),
        (refused("ExpiredToken"), "credentials have expired"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS did not answer"),
    ],
)
def test_aws_error_is_reported_in_a_sentence(error, sentence):
    with pytest.raises(WorkshopError, match=sentence), aws_errors():
        raise error


def test_other_error_passes_unchanged():
    with pytest.raises(KeyError), aws_errors():
        raise KeyError
