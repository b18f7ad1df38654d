"""What a service says of a request that AWS refuses: enough to fix it, and nothing of an order."""

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ConnectTimeoutError

from orderflow import aws
from orderflow.errors import AwsRequestError

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orderflow-payments"
ROLE = "arn:aws:sts::123456789012:assumed-role/orderflow-payment/orderflow-payment"
DENIED = f"User: {ROLE} is not authorized to perform: dynamodb:UpdateItem"


def failure(error):
    """Return the text of the error that a failed request raises."""

    def refuse(**_):
        raise error

    with pytest.raises(AwsRequestError) as caught:
        aws.call(refuse, TableName="orderflow-payments")
    assert caught.value.__suppress_context__  # a traceback would show AWS's text
    return str(caught.value)


def refusal(code, message):
    return failure(ClientError({"Error": {"Code": code, "Message": message}}, "UpdateItem"))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            (
                f"{DENIED} on resource: {TABLE} because no identity-based policy allows the "
                "dynamodb:UpdateItem action"
            ),
            f": role orderflow-payment has no dynamodb:UpdateItem on {TABLE}",
        ),
        (
            f"{DENIED} with an explicit deny in an identity-based policy: Jane Doe",
            ": role orderflow-payment has an explicit deny of dynamodb:UpdateItem",
        ),
        (
            f"{DENIED} on resource: {TABLE} with an explicit deny in a service control policy",
            f": role orderflow-payment has an explicit deny of dynamodb:UpdateItem on {TABLE}",
        ),
        ("User: jane@example.com is not authorized to perform: dynamodb:UpdateItem", ""),
        (f"The item of Jane Doe: {DENIED} on resource: {TABLE}", ""),
        ("", ""),
    ],
)
def test_missing_permission_is_named_by_role_action_and_resource(message, shown):
    assert refusal("AccessDeniedException", message) == f"UpdateItem: AccessDeniedException{shown}"


def test_other_refusals_are_named_by_their_code_only():
    """AWS's text may quote what was sent."""
    output = refusal("ValidationException", "Invalid value: Jane Doe, 1 High Street")
    assert output == "UpdateItem: ValidationException"


def test_resource_ends_where_an_arn_ends():
    """Whatever follows an ARN's characters is not shown."""
    output = refusal("AccessDeniedException", f"{DENIED} on resource: {TABLE}?name=Jane Doe")
    assert output.endswith(f"dynamodb:UpdateItem on {TABLE}")


def test_request_without_an_answer_is_named_by_the_error_type():
    assert failure(ConnectTimeoutError(endpoint_url="http://jane")) == "ConnectTimeoutError"


def test_response_without_a_message_is_no_problem():
    error = ClientError({"Error": {"Code": "Throttled"}}, "UpdateItem")
    assert failure(error) == "UpdateItem: Throttled"


def test_request_names_the_system_as_its_sender(monkeypatch):
    """CloudTrail shows it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client, sent = aws.client("events"), []

    def respond(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, Body())

    client.meta.events.register("before-send.events.PutEvents", respond)
    aws.call(client.put_events, Entries=[{}])
    assert sent[0].headers["User-Agent"].decode().partition(" ")[0] == "orderflow"


class Body:
    """An empty response on the wire."""

    def stream(self, **_):
        return [b"{}"]
