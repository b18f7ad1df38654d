"""HTTP requests signed with AWS Signature Version 4, as `AWS_IAM` routes ask for."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

if TYPE_CHECKING:
    import boto3

TIMEOUT_SECONDS = 35
"""A little more than the 30 s after which API Gateway gives up itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers in lower case, parsed body."""

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
) -> Answer:
    """Send a request, signed with the session's credentials, or unsigned without a session.

    Args:
        method: GET, POST …
        url: Where to.
        session: Whose credentials and region sign it.
        body: What to send.
        headers: What else to say.
        proxies: Scheme → proxy; by default those of the environment, {} for none.

    Raises:
        urllib.error.URLError: Nobody answers there.
    """
    from urllib.request import ProxyHandler, Request, build_opener

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    data = body.encode() if isinstance(body, str) else body
    request = AWSRequest(method, url, data=data, headers=headers or {})
    if session is not None:
        SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    prepared = Request(  # noqa: S310  (the address comes from Terraform)
        url, data=data, headers=dict(request.headers), method=method
    )
    try:
        opener = build_opener(ProxyHandler(proxies))
        with opener.open(prepared, timeout=TIMEOUT_SECONDS) as answer:
            return _answer(answer.status, answer.headers, answer.read())
    except HTTPError as error:
        return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, raw: bytes) -> Answer:
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode(errors="replace")
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
