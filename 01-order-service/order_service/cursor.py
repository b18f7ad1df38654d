"""The cursor of a page, as a customer carries it: opaque, and checked when it comes back."""

import base64
import json
import re
from dataclasses import astuple

from order_service.errors import MalformedRequestError
from order_service.store import Cursor
from orderflow.clock import from_timestamp

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_LENGTH = 400


def encode(cursor: Cursor) -> str:
    """Return a cursor as text that a query string can carry as it is.

    Base64's padding is left out: `=` has to be escaped there, and a client that does not signs
    another request than AWS reads.
    """
    return base64.urlsafe_b64encode(json.dumps(astuple(cursor)).encode()).decode().rstrip("=")


def decode(text: str, customer_id: str) -> Cursor:
    """Return the cursor that `encode` wrote; padding is accepted.

    Raises:
        MalformedRequestError: No page of this customer gave this cursor.
    """
    try:
        # Its length bounds how deep it can be nested.
        bare = text[: MAX_LENGTH + 1].rstrip("=")
        padded = bare + "=" * (-len(bare) % 4)
        raw = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
        cursor = Cursor(*json.loads(raw))
        from_timestamp(cursor.placed_at)
        genuine = cursor.customer_id == customer_id and bool(ID.fullmatch(cursor.order_id))
    except (ValueError, TypeError):
        genuine = False
    if not genuine:
        raise MalformedRequestError("cursor must be one that an earlier page gave")
    return cursor
