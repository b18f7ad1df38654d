"""The requests that boto3 would send, without a connection."""

import functools
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from local_cloud.requests.answers import Answer
from local_cloud.requests.decoding import Request

_CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1})


class _SentError(Exception):
    """Instead of a response."""


@functools.cache
def _client(service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=_CONFIG,
    )


def request_of(service: str, operation: str, parameters: dict[str, Any]) -> Request:
    """Return the request that boto3 makes, unchecked."""
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> None:
        sent.append(request)
        raise _SentError

    client = _client(service)
    client.meta.events.register("before-send.*", keep)
    try:
        getattr(client, operation)(**parameters)
    except _SentError:
        pass
    finally:
        client.meta.events.unregister("before-send.*", keep)
    (request,) = sent
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    url = urlsplit(request.url)
    content = body.encode() if isinstance(body, str) else bytes(body)
    return Request(request.method, url.path, url.query, headers, content)


def error_of(
    service: str, operation: str, parameters: dict[str, Any], answer: Answer
) -> dict[str, str]:
    """Return the error that boto3 reads from an answer."""
    client = _client(service)

    def respond(**_: Any) -> AWSResponse:
        return _Response(answer)

    client.meta.events.register("before-send.*", respond)
    try:
        getattr(client, operation)(**parameters)
    except client.exceptions.ClientError as error:
        found: dict[str, str] = error.response["Error"]
        return found
    finally:
        client.meta.events.unregister("before-send.*", respond)
    message = "no error"
    raise AssertionError(message)


class _Response(AWSResponse):
    """A response that was read already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("", 400, answer.headers, None)
        self._content = answer.body
