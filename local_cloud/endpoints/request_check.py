"""Requests that AWS would refuse to read never reach the emulator.

A service of AWS reads a request by its model before it does anything: see `local_cloud.requests`.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from local_cloud.endpoints.control_api import Application, Receive, Scope, Send
from local_cloud.requests import validator
from local_cloud.requests.answers import Answer
from local_cloud.requests.decoding import Request

_LARGE = 262_144
"""Bytes of a body that is read in a thread, so that other requests do not wait for it."""


class RequestCheck:
    """Answers requests that do not fit their service's model, and passes on all others."""

    def __init__(self, inner: Application) -> None:
        """Wrap an application."""
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if not headers.get("authorization", "").startswith("AWS4-"):
            await self._inner(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client is gone
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        content = bytes(body)
        raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], raw_path.partition("?")[0], query, headers, content)
        if len(content) > _LARGE:
            answer = await asyncio.to_thread(validator.refusal, request)
        else:
            answer = validator.refusal(request)
        if answer is not None:
            await _respond(send, answer)
            return
        await self._inner(scope, _again(content, receive), send)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what receives a body that was already read, and then whatever follows."""
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body, "more_body": False}
    ]

    async def received() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return received


async def _respond(send: Send, answer: Answer) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 400, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})
