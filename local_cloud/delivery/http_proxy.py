"""How an HTTP API converts a request for a function, and the function's response.

Sources: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"
(payload format 2.0), "Quotas for configuring and running an HTTP API", and "Troubleshooting issues
with HTTP API Lambda integrations" (`Internal Server Error` for a function that fails). The response
does not contain the function's error.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_cloud.delivery import json_text

PAYLOAD_LIMIT = 10 * 1024 * 1024
"""The most bytes of a request's body."""

FORBIDDEN, TOO_LARGE = (403, "Forbidden"), (413, "Request Entity Too Large")
FAILED, UNAVAILABLE = (500, "Internal Server Error"), (503, "Service Unavailable")

Response = tuple[int, dict[str, str], bytes]


def plain(answer: tuple[int, str]) -> Response:
    """Return API Gateway's own response: a status and a message."""
    status, message = answer
    content = json.dumps({"message": message}, separators=(",", ":")).encode()
    return status, {"Content-Type": "application/json"}, content


def complete_headers(headers: Mapping[str, str], host: str, address: str) -> dict[str, str]:
    """Return a request's headers with those that API Gateway adds for the function.

    Args:
        headers: The request's headers, with names in lower case.
        host: The API's domain name.
        address: The client's IP address.
    """
    before = headers.get("x-forwarded-for")
    name, _, port = headers.get("host", host).partition(":")
    return {
        **{key: value for key, value in headers.items() if key != "cookie"},
        "host": f"{name}:{port}" if port else name,
        "x-forwarded-for": f"{before}, {address}" if before else address,
        "x-forwarded-port": headers.get("x-forwarded-port") or port or "80",
        "x-forwarded-proto": headers.get("x-forwarded-proto") or "http",
    }


def complete_event(event: dict[str, Any], cookie: str) -> dict[str, Any]:
    """Return an event of payload format 2.0 with AWS's fields.

    Args:
        event: The event without cookies. Its time may be in another time zone.
        cookie: The request's `cookie` header, or empty.
    """
    context = event["requestContext"]
    moment = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)
    named = {
        **context,
        "domainPrefix": context["domainName"].partition(".")[0],
        "time": f"{moment:%d/%b/%Y:%H:%M:%S} +0000",
    }
    completed = {key: value for key, value in event.items() if value is not None}
    completed["requestContext"] = named
    if cookie:
        completed["cookies"] = [each.strip() for each in cookie.split(";") if each.strip()]
    return completed


def response_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function's response in payload format 2.0.

    Args:
        result: `body` is what the function returned; `throttle` or `error` if it did not return.

    Raises:
        MalformedError: The function failed, or its response is invalid.
    """
    if result.get("throttle"):
        raise MalformedError(UNAVAILABLE)
    if result.get("error"):
        raise MalformedError(FAILED)
    payload = result.get("body")
    if not isinstance(payload, dict) or "statusCode" not in payload:
        body = payload if isinstance(payload, str) else json_text.dumps(payload)
        return {"statusCode": 200, "body": "" if payload is None else body}
    if not _is_response(payload):
        raise MalformedError(FAILED)
    headers = payload.get("headers") or {}
    return {
        **payload,
        "statusCode": int(payload["statusCode"]),
        "headers": {name: _text(value) for name, value in headers.items()},
        "body": payload.get("body") or "",
    }


class MalformedError(Exception):
    """The function has no valid response; `answer` is API Gateway's response."""

    def __init__(self, answer: tuple[int, str]) -> None:
        super().__init__(answer[1])
        self.answer = answer


def _is_response(payload: Mapping[str, Any]) -> bool:
    """Return whether a function's response has the types of payload format 2.0."""
    status, body = payload["statusCode"], payload.get("body")
    headers, cookies = payload.get("headers"), payload.get("cookies")
    if isinstance(status, bool) or not str(status).isdecimal() or not 100 <= int(status) <= 599:
        return False
    if not (body is None or isinstance(body, str)) or not isinstance(headers, dict | None):
        return False
    if any(isinstance(value, dict | list) for value in (headers or {}).values()):
        return False
    if cookies is not None and not (
        isinstance(cookies, list) and all(isinstance(each, str) for each in cookies)
    ):
        return False
    return not payload.get("isBase64Encoded") or _is_base64(body or "")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
