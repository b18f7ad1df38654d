"""The signature of every request is verified, whoever signed it."""

from datetime import timedelta

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials

from tests.local_cloud.conformance import raw_requests
from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed

GUIDE = "IAM User Guide, Troubleshoot AWS API requests (Signature Version 4)"
ERRORS = f"{GUIDE}; Common errors in each service's API Reference"
ACCEPTS = "accepts whatever is signed with the account's own key"

WRONG = Credentials("test", "wrong")
LIST_TABLES = ("dynamodb", "", "{}", "DynamoDB_20120810.ListTables")
LIST_BUSES = ("events", "", "{}", "AWSEvents.ListEventBuses")
LIST_QUEUES = ("sqs", "", "{}", "AmazonSQS.ListQueues")
LIST_FUNCTIONS = ("lambda", "/2015-03-31/functions", "", "")
LIST_APIS = ("apigateway", "/v2/apis", "", "")
LIST_ROLES = ("iam", "", "Action=ListRoles&Version=2010-05-08", "")
WHO = ("sts", "", "Action=GetCallerIdentity&Version=2011-06-15", "")
REQUESTS = [
    (LIST_TABLES, 400, "InvalidSignatureException"),
    (LIST_BUSES, 400, "InvalidSignatureException"),
    (LIST_QUEUES, 403, "SignatureDoesNotMatch"),
    (LIST_FUNCTIONS, 403, "InvalidSignatureException"),
    (LIST_APIS, 403, "InvalidSignatureException"),
    (LIST_ROLES, 403, "SignatureDoesNotMatch"),
    (WHO, 403, "SignatureDoesNotMatch"),
]
NAMES = [request[0][0] for request in REQUESTS]


def signed(lab, request: tuple[str, str, str, str], **how) -> AWSPreparedRequest:
    service, path, body, target = request
    url = lab.endpoint_url + (path or "/")
    return raw_requests.signed(service, url, body, target=target, **how)


@pytest.mark.parametrize(("request_", "status", "code"), REQUESTS, ids=NAMES)
@documented("Requests", "A request with a wrong signature is refused.", ERRORS, ministack=ACCEPTS)
def test_a_wrong_signature_is_refused(lab, request_, status, code):
    found, error, body = raw_requests.send(signed(lab, request_, credentials=WRONG))
    assert (found, error) == (status, code)
    assert "The request signature we calculated does not match" in body


@pytest.mark.parametrize("request_", [request[0] for request in REQUESTS], ids=NAMES)
@documented("Requests", "A request with a correct signature is served.", GUIDE)
def test_a_right_signature_is_accepted(lab, request_):
    assert raw_requests.send(signed(lab, request_))[0] == 200


@pytest.mark.parametrize(("request_", "status", "code"), REQUESTS, ids=NAMES)
@documented(
    "Requests",
    "A request that was changed after it was signed is refused.",
    ERRORS,
    ministack=ACCEPTS,
)
def test_a_changed_request_is_refused(lab, request_, status, code):
    request = signed(lab, request_)
    if request.body:
        request.body += b" "
        request.headers["Content-Length"] = str(len(request.body))
    else:
        request.url += "?Marker=other"
    assert raw_requests.send(request)[:2] == (status, code)


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
@documented(
    "Requests",
    "A request that was signed more than 5 minutes ago or ahead is refused.",
    GUIDE,
    ministack=ACCEPTS,
)
def test_an_old_signature_is_refused(lab, late):
    request = signed(lab, LIST_FUNCTIONS, late=late)
    status, error, body = raw_requests.send(request)
    assert (status, error) == (403, "InvalidSignatureException")
    assert "Signature expired" in body or "Signature not yet current" in body
    assert raw_requests.send(signed(lab, LIST_FUNCTIONS, late=late * 0.5))[0] == 200


@pytest.mark.parametrize("request_", [request[0] for request in REQUESTS], ids=NAMES)
@documented("Requests", "A request without a signature is refused.", ERRORS)
def test_an_unsigned_request_is_refused(lab, request_):
    request = signed(lab, request_)
    for name in ("Authorization", "X-Amz-Date"):
        del request.headers[name]
    status, error, _ = raw_requests.send(request)
    assert status in {400, 403}
    assert error.startswith(("MissingAuthenticationToken", "AccessDenied"))


@documented("Requests", "The credentials of a role's session sign requests.", GUIDE)
def test_the_credentials_of_a_session_are_verified(lab):
    role = lab.role([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    found = lab.sts.assume_role(RoleArn=role, RoleSessionName="lab")["Credentials"]
    key, token = found["AccessKeyId"], found["SessionToken"]
    right = Credentials(key, found["SecretAccessKey"], token)
    wrong = [Credentials(key, "wrong", token), Credentials(key, right.secret_key, "wrong")]
    assert raw_requests.send(signed(lab, LIST_TABLES, credentials=right))[0] == 200
    for credentials in wrong:
        assert raw_requests.send(signed(lab, LIST_TABLES, credentials=credentials))[0] == 400


@documented("Requests", "A function's own credentials sign its requests.", GUIDE)
def test_the_credentials_of_a_function_are_verified(lab):
    body = f"""
        import boto3
        secret = os.environ["AWS_SECRET_ACCESS_KEY"] + event.get("more", "")
        client = boto3.client("dynamodb", endpoint_url={lab.endpoint_url!r},
                              region_name="us-east-1", aws_secret_access_key=secret,
                              aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
                              aws_session_token=os.environ["AWS_SESSION_TOKEN"])
        return client.list_tables()["ResponseMetadata"]["HTTPStatusCode"]
    """
    function = lab.function(body)
    invoke = lab.awslambda.invoke
    assert invoke(FunctionName=function.name, Payload="{}")["Payload"].read() == b"200"
    answer = invoke(FunctionName=function.name, Payload='{"more": "wrong"}')
    assert b"InvalidSignatureException" in answer["Payload"].read()


@pytest.fixture(scope="module")
def api(lab) -> str:
    """The URL of an HTTP API with a route that IAM authorizes, and one that is open."""
    function = lab.function("return {'statusCode': 200, 'body': '{}'}")
    client = lab.client("apigatewayv2")
    api: str = client.create_api(Name=lab.name("api"), ProtocolType="HTTP")["ApiId"]
    target = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function.arn,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    for route, authorization in (("GET /orders", "AWS_IAM"), ("GET /open", "NONE")):
        client.create_route(
            ApiId=api,
            RouteKey=route,
            Target=f"integrations/{target}",
            AuthorizationType=authorization,
        )
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    source = f"arn:aws:execute-api:us-east-1:000000000000:{api}/*"
    lab.permit(function.arn, "api", source, "apigateway.amazonaws.com")
    return f"{lab.endpoint_url}/_aws/execute-api/{api}"


@pytest.mark.parametrize("query", ["", "?cursor=eyJpZCI6IjEifQ", "?customer=a%20b%2Fc&limit=5"])
@documented("HTTP API", "A route that IAM authorizes serves a signed request.", GUIDE)
def test_the_api_accepts_a_right_signature(lab, api, query):
    request = raw_requests.signed("execute-api", f"{api}/orders{query}")
    assert raw_requests.send(request)[0] == 200


@pytest.mark.parametrize("how", ["wrong secret", "changed query", "old", "a token"])
@documented(
    "HTTP API",
    "A route that IAM authorizes refuses a wrong signature.",
    "API Gateway Developer Guide, Control access to HTTP APIs with IAM authorization",
    ministack=ACCEPTS,
)
def test_the_api_refuses_a_wrong_signature(lab, api, how):
    url = f"{api}/orders"
    if how == "wrong secret":
        request = raw_requests.signed("execute-api", url, credentials=WRONG)
    else:
        late = timedelta(minutes=6 if how == "old" else 0)
        request = raw_requests.signed("execute-api", url, late=late)
        request.url += "?limit=5" if how == "changed query" else ""
        if how == "a token":
            request.headers["Authorization"] = "Bearer token"
    status, _, body = raw_requests.send(request)
    assert status == 403
    assert '"message"' in body


@documented(
    "HTTP API",
    "A route that IAM authorizes refuses an unsigned request; an open route serves it.",
    "API Gateway Developer Guide, Control access to HTTP APIs with IAM authorization",
)
def test_the_api_refuses_an_unsigned_request(lab, api):
    for path, expected in (("/orders", 403), ("/open", 200)):
        request = raw_requests.signed("execute-api", api + path)
        del request.headers["Authorization"]
        assert raw_requests.send(request)[0] == expected


@pytest.mark.parametrize("method", ["get_object", "put_object"])
@documented("S3", "A presigned URL is served; a changed one is refused.", GUIDE)
def test_a_presigned_url_is_verified(lab, method):
    s3 = lab.client("s3")
    bucket = lab.name("signed-bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"{}")
    url = s3.generate_presigned_url(method, Params={"Bucket": bucket, "Key": "key"})
    send = AWSPreparedRequest("PUT" if method == "put_object" else "GET", url, {}, b"", False)
    assert raw_requests.send(send)[0] == 200
    send.url = url.replace("/key?", "/other?")
    assert raw_requests.send(send)[:2] == (403, "SignatureDoesNotMatch")


@documented("Requests", "The credentials of a session are unknown without their token.", GUIDE)
def test_a_session_without_its_token_is_refused(lab):
    role = lab.role([])
    found = lab.sts.assume_role(RoleArn=role, RoleSessionName="lab")["Credentials"]
    lone = Credentials(found["AccessKeyId"], found["SecretAccessKey"])
    assert raw_requests.send(signed(lab, LIST_TABLES, credentials=lone))[0] in {400, 403}
