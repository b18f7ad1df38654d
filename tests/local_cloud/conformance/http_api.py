"""HTTP APIs for the conformance tests."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from local_cloud.process import ACCOUNT_ID
from tests.local_cloud.cloud_builder import REGION, Lab


@dataclass(frozen=True)
class HttpApi:
    """An HTTP API, all of whose routes lead to one function or alias."""

    lab: Lab
    api_id: str

    def send(
        self,
        method: str = "GET",
        path: str = "/",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        keys: tuple[str, str, str | None] | None = ("test", "test", None),
    ) -> Any:
        """Send a request, signed with an access key, its secret and a session's token."""
        url = f"{self.lab.endpoint_url}/_aws/execute-api/{self.api_id}{path}"
        request = AWSRequest(method, url, headers, body)
        if keys:
            SigV4Auth(Credentials(*keys), "execute-api", REGION).add_auth(request)
        with closing(URLLib3Session()) as session:
            return session.send(request.prepare())


def http_api(lab: Lab, target_arn: str, authorization: str = "NONE") -> HttpApi:
    """Make an API and let it invoke the target."""
    client = lab.client("apigatewayv2")
    api_id = client.create_api(Name=lab.name("api"), ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=target_arn,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    client.create_route(
        ApiId=api_id,
        RouteKey="ANY /{proxy+}",
        AuthorizationType=authorization,
        Target=f"integrations/{integration}",
    )
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api_id}/*"
    lab.permit(target_arn, lab.name("permission"), source, "apigateway.amazonaws.com")
    return HttpApi(lab, api_id)
