"""The order service's HTTP face: routes, status codes, problem documents."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from order_service import cursor
from order_service.errors import (
    MalformedRequestError,
    NotFoundError,
    OversizedRequestError,
    RequestError,
)
from order_service.store import Cursor, OrderRecord, Page
from orderflow.errors import TransientError

Response = dict[str, Any]
Route = Callable[[dict[str, Any]], Response]

MAX_BODY_BYTES = 32 * 1024
MAX_KEY_LENGTH = 128
MAX_PAGE = 100
DEFAULT_PAGE = 20

REPLACED = "\N{REPLACEMENT CHARACTER}"
"""What API Gateway may put in the place of bytes that are not UTF-8."""


def respond(request: dict[str, Any], routes: dict[str, Route]) -> Response:
    """Serve an HTTP API request (payload format 2.0); every failure becomes a problem document."""
    try:
        route = routes.get(request["routeKey"])
        if route is None:
            raise NotFoundError("there is no such route")
        return route(request)
    except RequestError as error:
        return problem(error)
    except TransientError:
        return unavailable({})


def problem(error: RequestError) -> Response:
    """Return a fault as `application/problem+json` (RFC 9457) that names every fault at once."""
    return _problem(HTTPStatus(error.status), (type(error).__doc__ or "").strip(), error.faults, {})


def unavailable(headers: dict[str, str]) -> Response:
    """Return a 503: what was asked for could not be done, or not be finished, just now."""
    return _problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service is busy.",
        ["send the same request again, an order with the Idempotency-Key of this answer"],
        {"retry-after": "1", **headers},
    )


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return _response(status, "application/json", body, headers or {})


def json_body(request: dict[str, Any]) -> Any:
    """Return a request's parsed body.

    Raises:
        MalformedRequestError: The body is not UTF-8 or not JSON, or names a property twice.
        OversizedRequestError: It is larger than any order can be.
    """
    text = _text(request)
    try:
        # No field holds a fraction: as a Decimal it is a fault of its field, 1.0 included.
        parsed = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=Decimal,
            object_pairs_hook=_object,
        )
        # Half a character (a lone surrogate) has no UTF-8.
        json.dumps(parsed, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError):
        raise MalformedRequestError("the body must be a JSON document in UTF-8") from None
    return parsed


def from_direct_invoke(payload: Any) -> dict[str, Any]:
    """Return a direct invoke's payload as the API request it stands for."""
    if not isinstance(payload, dict):
        payload = {}
    key = payload.get("idempotency_key")
    return {
        "routeKey": "POST /orders",
        "headers": {} if key is None else {"idempotency-key": key},
        "body": json.dumps(payload.get("order")),
    }


def path_id(request: dict[str, Any], name: str) -> str:
    """Return an id from the path.

    Raises:
        NotFoundError: It is no id: nothing has it, and DynamoDB takes not every text as a key.
    """
    value = (request.get("pathParameters") or {}).get(name)
    if not isinstance(value, str) or not cursor.ID.fullmatch(value):
        raise NotFoundError("an id has 1 to 64 letters, digits, dots, underscores and hyphens")
    return value


def idempotency_key(request: dict[str, Any]) -> str:
    """Return the Idempotency-Key header, or a new key if there is none.

    Raises:
        MalformedRequestError: It is empty, too long, or not printable ASCII.
    """
    sent = request.get("headers")
    headers = {n.lower(): v for n, v in sent.items()} if isinstance(sent, dict) else {}
    key = headers.get("idempotency-key")
    if key is None:
        return uuid.uuid4().hex
    usable = isinstance(key, str) and 0 < len(key) <= MAX_KEY_LENGTH
    if not usable or not key.isascii() or not key.isprintable():
        raise MalformedRequestError(
            f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters"
        )
    return str(key)


def page_query(request: dict[str, Any], customer_id: str) -> tuple[int, Cursor | None]:
    """Return the page's `limit` and `cursor`.

    Raises:
        MalformedRequestError: The limit is not a number from 1 to 100, or the cursor is made up.
    """
    query = request.get("queryStringParameters") or {}
    limit = query.get("limit", str(DEFAULT_PAGE))
    if not re.fullmatch("[0-9]{1,3}", str(limit)) or not 1 <= int(limit) <= MAX_PAGE:
        raise MalformedRequestError(f"limit must be a number from 1 to {MAX_PAGE}")
    text = query.get("cursor")
    return int(limit), cursor.decode(text, customer_id) if text else None


def order_view(record: OrderRecord) -> dict[str, Any]:
    """Return an order as its owner sees it; the payment token stays inside."""
    view = {**record.order, "status": record.status, "updated_at": record.updated_at}
    return view | ({"contact": record.contact} if record.contact else {})


def page_view(page: Page) -> dict[str, Any]:
    """Return a page of orders; `cursor` is null on the last one."""
    return {
        "orders": [asdict(summary) for summary in page.orders],
        "cursor": cursor.encode(page.next_cursor) if page.next_cursor else None,
    }


def _text(request: dict[str, Any]) -> str:
    """Return a request's body, decoded strictly: no guess at another encoding, no replacement."""
    body = request.get("body") or ""
    if not isinstance(body, str):
        raise MalformedRequestError("the body must be text")
    try:
        raw = base64.b64decode(body) if request.get("isBase64Encoded") else body.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise OversizedRequestError(f"the body must be at most {MAX_BODY_BYTES} bytes")
        text = raw.decode()
    except ValueError:
        raise MalformedRequestError("the body must be encoded in UTF-8") from None
    if REPLACED in text:
        raise MalformedRequestError(
            "the body must be encoded in UTF-8: some of it could not be decoded on its way here"
        )
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; parsers disagree on which of two values of a property counts."""
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        raise MalformedRequestError("the body must not name a property of an object twice")
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _problem(
    status: HTTPStatus, title: str, faults: list[str], headers: dict[str, str]
) -> Response:
    body = {
        "type": "about:blank",
        "title": title,
        "status": int(status),
        "detail": "; ".join(faults),
        "faults": faults,
    }
    return _response(int(status), "application/problem+json", body, headers)


def _response(status: int, media_type: str, body: Any, headers: dict[str, str]) -> Response:
    return {
        "statusCode": status,
        "headers": {"content-type": media_type, **headers},
        "body": json.dumps(body),
    }
