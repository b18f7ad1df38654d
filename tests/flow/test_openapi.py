"""The deployed order API does what its OpenAPI document says. Only `make test-all`."""

import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from requests.auth import AuthBase
from requests.utils import requote_uri

from devtools.documents import openapi
from tests.fixtures import api_record, conformance
from workshop.orders import api_client

pytestmark = pytest.mark.deployed

PHASES = {"examples", "coverage", "fuzzing", "stateful"}


class SignatureV4(AuthBase):
    """Signs a request with the credentials of a boto3 session, as `AWS_IAM` routes require."""

    def __init__(self, session):
        self._signer = SigV4Auth(session.get_credentials(), "execute-api", session.region_name)

    def __call__(self, request):
        # What is signed must be what is sent.
        request.url = requote_uri(request.url)
        signed = AWSRequest(request.method, request.url, data=request.body)
        self._signer.add_auth(signed)
        request.headers.update(signed.headers.items())
        return request


@pytest.fixture
def run(stack, cloud, stocked, placed, monkeypatch):
    """Send generated requests to the stack's API, which forgets their orders in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for sku in api_client.catalogue():
        stocked(sku, 10_000)
    found = conformance.run(
        stack.outputs.api_endpoint,
        auth=SignatureV4(stack.target.session()),
        examples=8,
        chains=8,
    )
    placed |= {order_id for body in found.bodies if (order_id := _order_id(body))}
    assert cloud.wait_idle(300)
    return found


def test_every_generated_request_gets_a_documented_response(run):
    """Signed, and each operation once without a signature and once with a wrong one."""
    assert run.failures == []
    assert run.cases.keys() == PHASES
    operations = {operation for operation, _ in run.statuses}
    assert operations == set(openapi.routes())
    assert {(each, 403) for each in operations} <= run.statuses.keys()
    api_record.add({api_record.DEPLOYED: run.cases.total()})


def _order_id(body):
    try:
        return json.loads(body).get("order_id")
    except ValueError:
        return None
