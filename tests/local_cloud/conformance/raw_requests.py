"""Requests that boto3 itself would not send."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials

from tests.local_cloud.cloud_builder import REGION

OWN = Credentials("test", "test")
"""The account's own key."""


def signed(
    service: str,
    url: str,
    body: str = "",
    *,
    target: str = "",
    credentials: Credentials = OWN,
    late: timedelta = timedelta(),
) -> AWSPreparedRequest:
    """Return a signed request: a POST if it has a body.

    Args:
        service: The name that it is signed for.
        url: Where to.
        body: In JSON, or a form.
        target: The X-Amz-Target of a JSON protocol.
        credentials: To sign with.
        late: How long ago it was signed.
    """
    form = body.startswith("Action=")
    content = "application/x-www-form-urlencoded" if form else "application/x-amz-json-1.0"
    headers = {"Content-Type": content} | ({"X-Amz-Target": target} if target else {})
    request = AWSRequest("POST" if body else "GET", url, headers=headers, data=body.encode())
    now = datetime.now(UTC) - late
    with patch.object(botocore.auth, "get_current_datetime", _fixed(now)):
        SigV4Auth(credentials, service, REGION).add_auth(request)
    return request.prepare()


def _fixed(now: datetime) -> Callable[..., datetime]:
    return lambda remove_tzinfo=True: now.replace(tzinfo=None) if remove_tzinfo else now


def send(request: AWSPreparedRequest) -> tuple[int, str, str]:
    """Send a request; return the response's status, error type and body."""
    sent = urllib.request.Request(
        request.url, request.body or None, dict(request.headers.items()), method=request.method
    )
    try:
        with urllib.request.urlopen(sent, timeout=60) as response:
            return response.status, "", response.read().decode()
    except urllib.error.HTTPError as error:
        body = error.read().decode()
        return error.code, _kind(body) or error.headers.get("x-amzn-errortype", ""), body


def _kind(body: str) -> str:
    if body.startswith("<"):
        return body.partition("<Code>")[2].partition("</Code>")[0]
    content: Any = json.loads(body)
    return str(content.get("__type", "")).rpartition("#")[2]
