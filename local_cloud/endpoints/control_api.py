"""The local cloud's own endpoints, under /_workshop/; other requests go on to MiniStack.

`origin_check` refuses requests from web pages to any endpoint. The endpoints here also require a
header that a page cannot send, so no request reaches them by mistake.
"""

import asyncio
import json
import math
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from local_cloud.delivery.caller_registry import trace_header
from local_cloud.delivery.change_log import PAGE
from local_cloud.delivery.fault_injection import Plan
from local_cloud.delivery.wiring import Parts
from local_cloud.endpoints.origin_check import objection
from local_cloud.errors import NotStorableError
from local_cloud.protocol import HEADER, PREFIX

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLL = 0.02
_LONGEST_WAIT = 600.0
_BODY_LIMIT = 1_000_000


class ControlApi:
    """Answers for the adapter, and passes everything else on to MiniStack."""

    def __init__(
        self,
        parts: Parts,
        inner: Application,
        stop: Callable[[bool], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._parts = parts
        self._inner = inner
        self._stop = stop
        self._stopping = stopping
        self._endpoints: dict[tuple[str, str], Callable[[_Request], Awaitable[Any]]] = {
            ("GET", "status"): self._status,
            ("GET", "idle"): self._idle,
            ("GET", "deliveries"): self._deliveries,
            ("GET", "changes"): self._changes,
            ("GET", "permissions"): self._permissions,
            ("GET", "faults"): self._faults,
            ("PUT", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "consistency"): self._consistency,
            ("PUT", "consistency"): self._set_consistency,
            ("POST", "stop"): self._end,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or MiniStack's start and end."""
        if scope["type"] not in {"http", "websocket"}:
            await self._inner(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        if why := objection(scope["headers"]):
            await _refuse(scope, send, why)
        elif not scope["path"].startswith(PREFIX):
            trace_header.set(headers.get("x-amzn-trace-id", b"").decode("latin-1"))
            if self._stopping() and not self._parts.callers.current():
                unavailable = {"message": "The local cloud is stopping."}
                await _respond(send, HTTPStatus.SERVICE_UNAVAILABLE, unavailable)
                return
            await self._inner(scope, receive, send)
        elif HEADER.lower() not in headers:
            await _refuse(scope, send, f"the header {HEADER} is missing")
        else:
            status, content = await self._answer(scope, receive)
            await _respond(send, status, content)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[HTTPStatus, Any]:
        found = self._endpoints.get((scope["method"], scope["path"].removeprefix(PREFIX)))
        if found is None:
            return HTTPStatus.NOT_FOUND, {"message": f"no {scope['method']} {scope['path']}"}
        query = parse_qs(scope["query_string"].decode("latin-1"))
        request = _Request({name: values[-1] for name, values in query.items()}, receive)
        try:
            return HTTPStatus.OK, await found(request)
        except ValueError as error:
            return HTTPStatus.BAD_REQUEST, {"message": str(error)}
        except NotStorableError as error:
            return HTTPStatus.INSUFFICIENT_STORAGE, {"message": str(error)}

    async def _status(self, _: "_Request") -> dict[str, Any]:
        counts = self._parts.queue.counts()
        waiting, inside = self._parts.gate.counts()
        return {
            "boot_id": self._parts.settings.boot_id,
            "pid": os.getpid(),
            "port": self._parts.settings.port,
            "directory": self._parts.settings.directory,
            "queued": counts.queued,
            "later": counts.later,
            "running": counts.running,
            "waiting_requests": waiting,
            "running_requests": inside,
            "buffered": self._parts.buffered,
            "totals": self._parts.journal.totals(),
        }

    async def _idle(self, request: "_Request") -> dict[str, bool]:
        deadline = time.monotonic() + _seconds(request.query.get("timeout", "30"))
        while not self._parts.idle:
            if time.monotonic() > deadline:
                return {"idle": False}
            await asyncio.sleep(_POLL)
        return {"idle": True}

    async def _deliveries(self, request: "_Request") -> list[dict[str, Any]]:
        correlation_id = request.query.get("correlation_id", "")
        found = self._parts.journal.records(correlation_id, int(request.query.get("limit", "0")))
        return [delivery.to_json() for delivery in found]

    async def _changes(self, request: "_Request") -> dict[str, Any]:
        log, query = self._parts.changes, request.query
        same = query.get("log_id") == log.log_id
        after = max(int(query.get("after", "0")), 0) if same else 0
        limit = min(max(int(query.get("limit", PAGE)), 1), PAGE)
        deadline = time.monotonic() + _seconds(query.get("wait", "0"))
        while log.newest <= after:
            if time.monotonic() > deadline or self._stopping():
                break
            await asyncio.sleep(_POLL)
        return log.after(after, limit).to_json()

    async def _permissions(self, _: "_Request") -> list[dict[str, Any]]:
        return self._parts.permissions.to_json()

    async def _faults(self, _: "_Request") -> dict[str, Any] | None:
        plan = self._parts.switch.plan
        return plan.to_json() if plan else None

    async def _set_faults(self, request: "_Request") -> None:
        self._parts.switch.set(Plan.from_json(json.loads(await request.body())))

    async def _clear_faults(self, _: "_Request") -> None:
        self._parts.switch.set(None)

    async def _consistency(self, _: "_Request") -> bool:
        return self._parts.consistency.on

    async def _set_consistency(self, request: "_Request") -> None:
        on = {b"true": True, b"false": False}.get((await request.body()).strip())
        if on is None:
            msg = "the body must be true or false"
            raise ValueError(msg)
        self._parts.consistency.set(on=on)

    async def _end(self, request: "_Request") -> None:
        await asyncio.to_thread(self._stop, request.query.get("keep") == "1")


@dataclass(frozen=True)
class _Request:
    """A request's query and body."""

    query: dict[str, str]
    receive: Receive

    async def body(self) -> bytes:
        """Return the whole body, up to a limit."""
        body = b""
        while len(body) <= _BODY_LIMIT:
            message = await self.receive()
            body += bytes(message.get("body", b""))
            if not message.get("more_body"):
                return body
        msg = "the request is too large"
        raise ValueError(msg)


def _seconds(text: str) -> float:
    """Return how long a request waits, at most `_LONGEST_WAIT`.

    Raises:
        ValueError: It is no finite number.
    """
    seconds = float(text)
    if not math.isfinite(seconds):
        msg = f"{text} is no number of seconds"
        raise ValueError(msg)
    return min(seconds, _LONGEST_WAIT)


async def _refuse(scope: Scope, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await _respond(send, HTTPStatus.FORBIDDEN, {"message": why})


async def _respond(send: Send, status: HTTPStatus, content: Any) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
