"""Calls of Terraform's that come a second time, because their answer was lost.

On a busy machine its provider loses an answer now and then, and asks again, as AWS's SDKs do: both
tries carry the same `amz-sdk-invocation-id`. To a second Create, AWS says that there is one
already, and the apply fails, or waits for minutes for that to pass. Here the second try gets the
first one's answer; one that failed is tried anew, as on AWS.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any

from local_cloud.endpoints.control_api import Application, Receive, Scope, Send

REMEMBERED = 1000
"""Calls whose answers are kept: an apply makes some a second, and a second try comes at once."""

_ID, _AGENT, _TERRAFORM = b"amz-sdk-invocation-id", b"user-agent", b"terraform"
_LARGEST = 65_536  # bytes of an answer that is worth keeping

_log = logging.getLogger("local_cloud")

Messages = list[MutableMapping[str, Any]]


class Repeats:
    """Passes requests on, each of Terraform's calls once until it succeeds."""

    def __init__(self, inner: Application) -> None:
        """Stand in front of an application."""
        self._inner = inner
        self._answers: OrderedDict[bytes, asyncio.Future[Messages | None]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        call = _call(scope)
        if call is None:
            await self._inner(scope, receive, send)
            return
        # Shielded: that the second one goes away must not take the first one's answer along.
        if call in self._answers and (told := await asyncio.shield(self._answers[call])):
            _log.warning("Terraform asked again: %s %s", scope["method"], scope["path"])
            for message in told:
                await send(message)
            return
        answer = self._answers[call] = asyncio.get_running_loop().create_future()
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        told = []

        async def remembering(message: MutableMapping[str, Any]) -> None:
            told.append(message)
            await send(message)

        try:
            await self._inner(scope, receive, remembering)
        finally:
            answer.set_result(told if _worth_keeping(told) else None)


def _call(scope: Scope) -> bytes | None:
    """What both tries of one call of Terraform's have in common; None for anything else."""
    if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
        return None
    headers = dict(scope["headers"])
    return headers.get(_ID) if _TERRAFORM in headers.get(_AGENT, b"").lower() else None


def _worth_keeping(messages: Messages) -> bool:
    """Whether an answer is whole, good and small."""
    if not messages or messages[-1].get("more_body") or messages[0].get("status", 500) >= 400:
        return False
    return sum(len(message.get("body", b"")) for message in messages) <= _LARGEST
