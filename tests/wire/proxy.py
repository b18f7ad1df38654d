"""The proxy between the functions and the local cloud: it injects faults, and records the calls.

microburst recognises the service and the operation of a request, and writes errors in the format of
the service. Three things it does not have are added here:

- which function sends a request: each function has an endpoint of its own;
- the n-th call of a function for one order, and all attempts of the SDK's call: microburst counts
  requests;
- the sender's own signature: microburst replaces the Host header, which is signed.
"""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from aiohttp import ClientTimeout, web
from microburst.core.context import RequestContext
from microburst.core.pipeline import Microburst
from microburst.forward import HOP_BY_HOP, Upstream
from microburst.rules import Decision, RuleEngine
from yarl import URL

from tests.wire import faults
from tests.wire.faults import Cell

_WORD = re.compile(r"[\w:/.-]+", re.ASCII)
_ATTEMPT = re.compile(r"attempt=(\d+)")


@dataclass(slots=True)
class Request:
    """One request of a function, in the order of their arrival.

    Attributes:
        function: The function's key.
        operation: What it asked of AWS.
        subject: What it was about: an order's id, or a consumer of dead letters; empty if unknown.
        number: Which of the calls of this operation about the subject, from 1.
        attempt: Which attempt of the SDK's call, from 1.
        cell: The fault that was injected; None without one.
        body: What it sent.
        status: What the local cloud answered; None if the request did not reach it.
    """

    function: str
    operation: str
    subject: str
    number: int
    attempt: int
    cell: Cell | None
    body: str
    status: int | None = None


class Proxy:
    """Endpoints for functions, in front of one local cloud; use it as a context manager.

    Args:
        upstream: The local cloud's address.
        functions: The functions' keys.
    """

    def __init__(self, upstream: str, functions: Iterable[str]) -> None:
        self.requests: list[Request] = []
        self.endpoints: dict[str, str] = {}
        self.received: list[tuple[str, str]] = []
        """Queue URL and receipt handle of every message that went to a function."""
        self._upstream = upstream
        self._functions = tuple(functions)
        self._subjects: dict[str, str] = {}
        self._armed: dict[tuple[str, str, str], Cell] = {}
        self._numbers: Counter[tuple[str, str, str]] = Counter()
        self._calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._runners: list[web.AppRunner] = []

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def know(self, word: str, subject: str) -> None:
        """Take a word of a request's path or body as the sign that it is about a subject."""
        self._subjects[word] = subject

    def arm(self, cell: Cell, subject: str) -> None:
        """Inject a fault at a call about a subject; calls are counted from now on."""
        key = cell.call.function, subject, cell.call.operation
        with self._lock:
            self._armed[key] = cell
            self._numbers[key] = 0

    def disarm(self, subject: str | None = None) -> None:
        """Inject no more faults at calls about a subject; None: about any."""
        with self._lock:
            for key in [each for each in self._armed if subject in {None, each[1]}]:
                del self._armed[key]

    def decide(self, function: str, context: RequestContext, body: bytes) -> Request:
        """Record a request, with the fault that it gets."""
        text = body.decode()
        words = _WORD.findall(f"{URL(context.path, encoded=True).path} {text}")
        subject = next((self._subjects[each] for each in words if each in self._subjects), "")
        key = function, subject, context.operation or ""
        attempt = _ATTEMPT.search(context.headers["amz-sdk-request"])
        call_id = context.headers["amz-sdk-invocation-id"]
        with self._lock:
            if call_id not in self._calls:
                self._numbers[key] += 1
                self._calls[call_id] = self._numbers[key]
            number = self._calls[call_id]
            cell = self._armed.get(key)
            made = Request(function, key[2], subject, number, int(attempt[1]), None, text)
            if cell and cell.hits(number, made.attempt):
                made.cell = cell
            self.requests.append(made)
        return made

    async def _start(self) -> None:
        for function in self._functions:
            endpoint = _Endpoint(self, function, self._upstream)
            app = web.Application()
            app.on_startup.append(endpoint.start)
            app.on_cleanup.append(endpoint.stop)
            app.router.add_route("*", "/{tail:.*}", endpoint.handle_proxy)
            runner = web.AppRunner(app)
            self._runners.append(runner)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            # For a name with a dot, microburst first reads the models of all services of AWS.
            self.endpoints[function] = f"http://localhost:{runner.addresses[0][1]}"

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()


_request: ContextVar[Request] = ContextVar("_request")
_body: ContextVar[bytes] = ContextVar("_body")


class _Endpoint(Microburst):
    """One function's endpoint."""

    def __init__(self, proxy: Proxy, function: str, upstream: str) -> None:
        super().__init__(upstream)
        self.engine = _Engine(proxy, function)
        self.upstream = _SignedByTheSender(proxy, upstream)

    async def handle_proxy(self, request: web.Request) -> web.StreamResponse:
        _body.set(await request.read())
        return await super().handle_proxy(request)


class _Engine(RuleEngine):
    """Decides by the armed cell, not by a list of rules."""

    def __init__(self, proxy: Proxy, function: str) -> None:
        super().__init__()
        self._proxy = proxy
        self._function = function

    def decide(self, info: RequestContext) -> Decision | None:
        request = self._proxy.decide(self._function, info, _body.get())
        _request.set(request)
        if request.cell is None:
            return None
        rules = RuleEngine()
        rules.set_rules([faults.rule(request.cell.kind, info.service or "", _body.get())])
        return rules.decide(info)


class _SignedByTheSender(Upstream):
    """Passes a request on unchanged, and reads the whole reply before it is lost or returned."""

    def __init__(self, proxy: Proxy, base_url: str) -> None:
        super().__init__(base_url)
        self._proxy = proxy

    async def relay(self, request, body, mutator=None, data=None) -> web.StreamResponse:
        headers = [each for each in request.headers.items() if each[0].lower() != "content-length"]
        url = URL(self.base_url + request.rel_url.raw_path_qs, encoded=True)
        options = {"headers": headers, "data": _body.get(), "timeout": ClientTimeout(600)}
        async with self.session.request(request.method, url, **options) as reply:
            content = await reply.read()
        made = _request.get()
        made.status = reply.status
        if made.operation == "ReceiveMessage" and reply.status == 200:
            queue = json.loads(made.body)["QueueUrl"]
            for message in json.loads(content).get("Messages", []):
                self._proxy.received.append((queue, message["ReceiptHandle"]))
        if mutator is not None:
            request.transport.abort()
        kept = {k: v for k, v in reply.headers.items() if k.lower() not in HOP_BY_HOP}
        return web.Response(status=reply.status, headers=kept, body=content)
