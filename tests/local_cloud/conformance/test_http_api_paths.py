"""HTTP APIs of API Gateway: what a request's path reaches, and what of its body arrives."""

import base64
import urllib.error
import urllib.request

import pytest

from local_cloud.process import ACCOUNT_ID
from tests.local_cloud.cloud_builder import REGION
from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed

ECHO = """
return {"statusCode": 200, "headers": {"x-base64": str(event["isBase64Encoded"])},
        "body": event.get("body") or ""}
"""


@pytest.fixture(scope="module")
def api(lab):
    """An API whose route `POST /things` answers with the body as the function got it."""
    client = lab.client("apigatewayv2")
    function = lab.function(ECHO)
    api_id = client.create_api(Name=lab.name("api"), ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function.arn,
        PayloadFormatVersion="2.0",
    )
    target = f"integrations/{integration['IntegrationId']}"
    client.create_route(ApiId=api_id, RouteKey="POST /things", Target=target)
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api_id}/*"
    lab.permit(function.arn, "api", source, "apigateway.amazonaws.com")
    return api_id


@pytest.fixture
def post(lab, api):
    """Send a request; returns its status, whether the function got Base64, and the body."""

    def send(path, body=b"{}", content_type="application/json"):
        url = f"{lab.endpoint_url}/_aws/execute-api/{api}{path}"
        request = urllib.request.Request(
            url, data=body, method="POST", headers={"content-type": content_type}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers["x-base64"], answer.read()
        except urllib.error.HTTPError as error:
            return error.code, None, error.read()

    return send


@documented(
    "HTTP API",
    "A path with a slash at its end does not match a route without one.",
    "Reported on GitHub: storacha/w3infra#166, aws/serverless-application-model#1949",
    ministack="drops the slash",
)
def test_a_slash_at_the_end_is_another_path(post):
    assert post("/things")[0] == 200
    assert post("/things/")[0] == 404
    assert post("/things//")[0] == 404
    assert post("//things")[0] == 200
    assert post("/")[0] == 404


def test_a_body_that_is_not_utf8_arrives_as_it_is(post):
    """Never with other characters in the place of bytes: the function can refuse it."""
    for body in ("Zoë".encode("latin-1"), "Zoë".encode("utf-16"), b"\xff"):
        status, is_base64, arrived = post("/things", body)
        assert (status, is_base64) == (200, "True")
        assert base64.b64decode(arrived) == body
    assert post("/things", "Zoë".encode()) == (200, "False", "Zoë".encode())
