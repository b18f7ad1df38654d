"""HTTP APIs: what a client and a function learn of each other."""

import json

import pytest

from tests.local_cloud.conformance.http_api import http_api
from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed

FORMAT = "API Gateway Developer Guide, Create AWS Lambda proxy integrations for HTTP APIs"
QUOTAS = "API Gateway Developer Guide, Quotas for configuring and running an HTTP API"
ERRORS = "API Gateway Developer Guide, Troubleshooting issues with HTTP API Lambda integrations"


@documented(
    "HTTP API",
    "If a function fails, the client gets 500, without the function's error.",
    ERRORS,
    ministack="sends the error and its trace, with 502",
)
@pytest.mark.parametrize(
    "body",
    ["raise KeyError('secret')", "os._exit(3)", "time.sleep(9)", "return {1}"],
    ids=["raises", "exits", "times out", "is not JSON"],
)
def test_a_functions_failure_is_an_internal_server_error(lab, body):
    answer = http_api(lab, lab.function(body, Timeout=1).arn).send(path="/x")
    assert (answer.status_code, answer.text) == (500, '{"message":"Internal Server Error"}')


@documented(
    "HTTP API",
    "If a function is throttled, the client gets 503, without Lambda's error.",
    "API Gateway Developer Guide says that it is a server error; clients report 503",
    ministack="sends Lambda's own 429",
)
def test_a_throttle_is_service_unavailable(lab):
    function = lab.function()
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    answer = http_api(lab, function.arn).send(path="/x")
    assert (answer.status_code, answer.text) == (503, '{"message":"Service Unavailable"}')


@documented(
    "HTTP API",
    "A caller without permission to invoke a route gets 403, Forbidden.",
    "API Gateway Developer Guide, Control access to HTTP APIs with IAM authorization",
    ministack="sends an AccessDeniedException, or lets anybody in",
)
def test_a_refused_caller_is_forbidden(lab):
    api = http_api(lab, lab.function().arn, "AWS_IAM")
    role = lab.sts.assume_role(RoleArn=lab.role(), RoleSessionName="lab")["Credentials"]
    keys = (role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    answer = api.send(path="/x", keys=keys)
    assert (answer.status_code, answer.text) == (403, '{"message":"Forbidden"}')


@documented("HTTP API", "A body of more than 10 MB is refused.", QUOTAS, ministack="takes it")
def test_a_body_above_10_mb_is_refused(lab):
    api = http_api(lab, lab.function().arn)
    answer = api.send("POST", "/x", body=b"x" * (10 * 1024 * 1024 + 1), keys=None)
    assert (answer.status_code, answer.text) == (413, '{"message":"Request Entity Too Large"}')


@documented(
    "HTTP API",
    "The event has cookies apart, x-forwarded headers, and no field without a value.",
    FORMAT,
    ministack="leaves cookies among the headers and forwards nothing",
)
def test_an_event_is_of_payload_format_2(lab):
    api = http_api(lab, lab.function("return event").arn)
    event = json.loads(api.send(path="/x?a=1&a=2", headers={"Cookie": "a=1; b=2"}).content)
    assert event["cookies"] == ["a=1", "b=2"]
    assert {"cookie", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"} & set(
        event["headers"]
    ) == {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert None not in event.values()
    assert event["requestContext"]["domainPrefix"] == api.api_id


@documented(
    "HTTP API",
    "A function behind an alias knows the alias by which it was invoked.",
    "Lambda Developer Guide, Using the Lambda context object",
    ministack="has the version's ARN",
)
def test_the_invoked_arn_is_the_aliass(lab):
    function = lab.function("return context.invoked_function_arn")
    lab.awslambda.publish_version(FunctionName=function.name)
    lab.awslambda.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    assert http_api(lab, f"{function.arn}:live").send(path="/x").text == f"{function.arn}:live"


@documented("HTTP API", "A response without statusCode is the body of a 200, as JSON.", FORMAT)
@pytest.mark.parametrize("returned", ["words", {"a": 1}, [1, 2]], ids=["text", "object", "list"])
def test_an_answer_without_a_status_is_the_body(lab, returned):
    answer = http_api(lab, lab.function(f"return {returned!r}").arn).send(path="/x")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == (returned if isinstance(returned, str) else json.dumps(returned))


@documented(
    "HTTP API",
    "Status, headers, cookies and a base64 body are taken from the response.",
    FORMAT,
)
def test_an_answer_with_a_status_is_taken_apart(lab):
    body = """
    return {"statusCode": "201", "headers": {"x-number": 5}, "cookies": ["a=1", "b=2"],
            "isBase64Encoded": True, "body": "aGk="}
    """
    answer = http_api(lab, lab.function(body).arn).send(path="/x")
    assert (answer.status_code, answer.content) == (201, b"hi")
    assert answer.headers["x-number"] == "5"
    assert "a=1" in answer.headers["Set-Cookie"]


@documented(
    "HTTP API",
    "If status, headers or body of a response have other types, the client gets 500.",
    ERRORS,
    ministack="sends what it can make of it",
)
@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": "none"},
        {"statusCode": 200, "headers": {"a": {}}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "isBase64Encoded": True, "body": "%%%"},
    ],
    ids=["status", "body", "headers", "a header", "cookies", "base64"],
)
def test_a_malformed_answer_is_an_internal_server_error(lab, returned):
    answer = http_api(lab, lab.function(f"return {returned!r}").arn).send(path="/x")
    assert (answer.status_code, answer.text) == (500, '{"message":"Internal Server Error"}')
