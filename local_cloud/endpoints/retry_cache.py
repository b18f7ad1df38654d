"""Responses for Terraform's retries.

On a busy machine Terraform's provider sometimes loses a response and retries, as AWS's SDKs do.
Both requests have the same `amz-sdk-invocation-id`. AWS refuses a second Create, because the
resource exists, and the apply fails or waits for minutes. Here the retry gets the response of the
first request. A request that failed is tried again, as on AWS.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any

from local_cloud.endpoints.control_api import Application, Receive, Scope, Send

REMEMBERED = 1000
"""The number of stored responses: an apply sends a few requests per second, and retries at once."""

_ID, _AGENT, _TERRAFORM = b"amz-sdk-invocation-id", b"user-agent", b"terraform"
_LARGEST = 65_536  # bytes of a stored response

_log = logging.getLogger("local_cloud")

Messages = list[MutableMapping[str, Any]]


class Repeats:
    """Passes each request of Terraform on once, until it succeeds."""

    def __init__(self, inner: Application) -> None:
        """Wrap an application."""
        self._inner = inner
        self._answers: OrderedDict[bytes, asyncio.Future[Messages | None]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        call = _call(scope)
        if call is None:
            await self._inner(scope, receive, send)
            return
        # Shielded: if the retry is cancelled, the first request's response must not be.
        if call in self._answers and (stored := await asyncio.shield(self._answers[call])):
            _log.warning("Terraform retried: %s %s", scope["method"], scope["path"])
            for message in stored:
                await send(message)
            return
        answer = self._answers[call] = asyncio.get_running_loop().create_future()
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        messages: Messages = []

        async def storing(message: MutableMapping[str, Any]) -> None:
            messages.append(message)
            await send(message)

        try:
            await self._inner(scope, receive, storing)
        finally:
            answer.set_result(messages if _worth_storing(messages) else None)


def _call(scope: Scope) -> bytes | None:
    """Return the id that a request of Terraform and its retry share; None for other requests."""
    if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
        return None
    headers = dict(scope["headers"])
    return headers.get(_ID) if _TERRAFORM in headers.get(_AGENT, b"").lower() else None


def _worth_storing(messages: Messages) -> bool:
    """Return whether a response is complete, successful and small."""
    if not messages or messages[-1].get("more_body") or messages[0].get("status", 500) >= 400:
        return False
    return sum(len(message.get("body", b"")) for message in messages) <= _LARGEST
