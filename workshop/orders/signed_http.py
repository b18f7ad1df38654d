"""Send HTTP requests signed with AWS Signature Version 4, as `AWS_IAM` routes require."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from workshop import https

if TYPE_CHECKING:
    import boto3

TIMEOUT_SECONDS = 35
"""A little more than API Gateway's own timeout of 30 s."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response: status, headers in lower case, parsed body."""

    status: int
    headers: dict[str, str]
    body: Any


def send(
    method: str,
    url: str,
    *,
    session: "boto3.Session | None",
    body: str | bytes | None = None,
    headers: dict[str, str] | None = None,
    proxies: dict[str, str] | None = None,
) -> Response:
    """Send a request, signed with the session's credentials, or unsigned without a session.

    Args:
        method: GET, POST …
        url: The URL.
        session: The credentials and the region of the signature.
        body: The body.
        headers: Further headers.
        proxies: Scheme → proxy; by default those of the environment, {} for none.

    Raises:
        urllib.error.URLError: No server responds at the URL.
        UsageError: The file of certificate authorities in a setting cannot be read.
    """
    from urllib.request import ProxyHandler, Request

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    data = body.encode() if isinstance(body, str) else body
    request = AWSRequest(method, url, data=data, headers=headers or {})
    if session is not None:
        SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    prepared = Request(  # noqa: S310  (the URL comes from Terraform)
        url, data=data, headers=dict(request.headers), method=method
    )
    try:
        opener = https.opener(url, ProxyHandler(proxies))
        with opener.open(prepared, timeout=TIMEOUT_SECONDS) as response:
            return _response(response.status, response.headers, response.read())
    except HTTPError as error:
        return _response(error.code, error.headers, error.read())


def _response(status: int, headers: Any, raw: bytes) -> Response:
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode(errors="replace")
    return Response(status, {name.lower(): value for name, value in headers.items()}, body)
