"""What the board's tests need: a source in memory, a stack, records, and a browser without a page.

`Client(source)` serves the board in this process and has its cookie::

    source = FakeSource()
    source.add(bus_event("OrderCreated"), delivery("payment", Outcome.DELIVERED))
    with Client(source) as client:
        page = client.shows("payment")         # polls "/" until the text is there
        client.post("/faults", rate="0.5")     # with the token, as htmx does
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from local_cloud.delivery.change_log import BusEvent, ChangeLog, Changes, Record
from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from local_cloud.errors import NoAnswerError
from orderflow.event import Event
from tests.fixtures.events import delivered, example
from workshop.board.app import build
from workshop.board.source import Cursor
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import NoStackError, WorkshopError
from workshop.paths import LAST_STAGE
from workshop.stages import flow

if TYPE_CHECKING:
    from concurrent.futures import Future

PORT = 4666
TOKEN = "the-token-of-the-tests"
PATIENCE = 30.0
"""Seconds until a test gives up on what takes milliseconds."""

FUNCTIONS = {key: f"orderflow-{key}" for key in flow().functions}
"""Key → function name."""


def fake_stack(stage: int = LAST_STAGE) -> Stack:
    """Return a stack whose cloud does not exist."""
    outputs = Outputs(
        api_endpoint="http://127.0.0.1:9/api",
        event_bus_name="orderflow-bus",
        region="us-east-1",
        function_names=FUNCTIONS,
        table_names={},
        dead_letter_queue_urls={},
    )
    return Stack(Target.local("tests", "http://127.0.0.1:9"), stage, outputs)


def bus_event(
    event: Event | str = "OrderCreated",
    *rules: str,
    event_id: str = "event-1",
    order_id: str | None = None,
    producer: str = "order-api",
    **changes: Any,
) -> BusEvent:
    """Return a contract's example as the bus logs it.

    Args:
        event: The event, or the type of the example.
        rules: The keys of the functions whose rules matched.
        event_id: EventBridge's id.
        order_id: The order's id; by default the example's.
        producer: The key of the function that published it; empty for nobody.
        changes: Fields of the envelope.
    """
    if isinstance(event, str):
        event = example(
            event, "succeeded" if event == "PaymentProcessed" else "", order_id=order_id
        )
    content = delivered(event, id=event_id, **changes)
    return BusEvent(
        json.dumps(content),
        "orderflow-bus",
        tuple(FUNCTIONS.get(each, each) for each in rules),
        FUNCTIONS.get(producer, producer),
    )


def delivery(
    consumer: str, outcome: Outcome, of: BusEvent | None = None, **values: Any
) -> Delivery:
    """Return a record of a delivery.

    Args:
        consumer: The key of the function.
        outcome: The outcome.
        of: The event; by default the one of `bus_event()`.
        values: Other fields of the record.
    """
    name = FUNCTIONS.get(consumer, consumer)
    origin = Origin.of((of or bus_event()).content, rule=name)
    return Delivery(name, outcome, **{"origin": origin, **values})


class FakeSource:
    """A source in memory. Its cloud can die, restart with a new log, and lose records.

    Args:
        stack: The stack; None if none is up.
        records: The most records that its log stores.
    """

    def __init__(
        self, stack: Stack | None = None, *, up: bool = True, records: int = 20_000
    ) -> None:
        self.may_act = True
        self.missing: tuple[str, ...] = ()
        self.reads = 0
        self._stack = (stack or fake_stack()) if up else None
        self._records = records
        self._log = ChangeLog(records)
        self._problem = ""
        self._error: type[Exception] = WorkshopError
        self.looked = 0
        self._changed = threading.Condition()

    def add(self, *records: Record) -> None:
        """Log records, oldest first."""
        with self._changed:
            for each in records:
                self._log.add(each)
            self._changed.notify_all()

    def die(self, problem: str = "The local cloud has ended. Run: make up") -> None:
        """End the cloud: reads and the stack fail with this sentence."""
        with self._changed:
            self._problem = problem
            self._changed.notify_all()

    def pause(self, problem: str = "The local cloud does not answer in time.") -> None:
        """Let the cloud no longer answer in time."""
        self._error = NoAnswerError
        self.die(problem)

    def restart(self) -> None:
        """Start the cloud again: its log is a new, empty one."""
        with self._changed:
            self._log, self._problem = ChangeLog(self._records), ""

    def stack(self) -> Stack:
        """Return the stack."""
        self.looked += 1
        if self._problem or self._stack is None:
            raise NoStackError(self._problem or "No stack is up. Run: make up")
        return self._stack

    def read(self, cursor: Cursor, wait: float) -> Changes:
        """Return what is newer than a cursor, as the local cloud does."""
        with self._changed:
            self.reads += 1
            if not self._news(cursor):
                self._changed.wait_for(lambda: self._news(cursor), min(wait, 0.1))
            if self._problem:
                raise self._error(self._problem)
            return self._log.after(cursor.last if cursor.log_id == self._log.log_id else 0)

    def _news(self, cursor: Cursor) -> bool:
        same = cursor.log_id == self._log.log_id
        return bool(self._problem) or not same or self._log.newest > cursor.last


@dataclass(frozen=True)
class Response:
    """A response of the board."""

    status: int
    headers: Mapping[str, str]
    text: str


class Client:
    """Serves the board in this process: opens it with the token, and has its cookie from then on.

    Args:
        source: The board's source.
    """

    def __init__(self, source: FakeSource) -> None:
        self._app = build(source, token=TOKEN, port=PORT)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._streams: list[Future[None]] = []
        self._end = asyncio.Event()
        self.cookie = ""

    def __enter__(self) -> Self:
        self._thread.start()
        started = threading.Event()
        self._lifespan = asyncio.run_coroutine_threadsafe(self._live(started), self._loop)
        assert started.wait(PATIENCE)
        found = self.request("GET", f"/?token={TOKEN}")
        self.cookie = found.headers["set-cookie"].partition(";")[0]
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:  # a failed test's traceback keeps its stream open
            stream.cancel()
        self._loop.call_soon_threadsafe(self._end.set)
        self._lifespan.result(PATIENCE)
        shut = self._loop.shutdown_default_executor()
        asyncio.run_coroutine_threadsafe(shut, self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def get(self, path: str, **headers: str) -> Response:
        """Return the response to a GET; a header's name is written with underscores."""
        return self.request("GET", path, headers=_named(headers))

    def part(self, path: str) -> str:
        """Return what htmx gets: the view's part of the page, which must be there."""
        found = self.get(path, hx_request="true")
        assert found.status == 200, found
        return found.text

    def post(self, path: str, _headers: Mapping[str, str] | None = None, **form: str) -> Response:
        """Return the response to a form that htmx sends with the token's header."""
        sent = {
            "content-type": "application/x-www-form-urlencoded",
            "x-board-token": TOKEN,
            "hx-request": "true",
            "origin": f"http://127.0.0.1:{PORT}",
            **(_headers or {}),
        }
        return self.request("POST", path, headers=sent, body=urlencode(form).encode())

    def shows(self, text: str, path: str = "/") -> str:
        """Return a page once it has a text: the board reads its source in the background."""
        return until(lambda: page if text in (page := self.get(path).text) else None)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """Return the response to any request; `headers` replaces the usual ones of that name."""
        coroutine = self._request(method, path, headers or {}, body)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def messages(self, path: str) -> Iterator[dict[str, str]]:
        """Yield the messages of a stream of server-sent events: `id`, `event` and `data`."""
        parts: asyncio.Queue[str] = asyncio.Queue()
        coroutine = self._stream(path, parts.put)
        task = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._streams.append(task)
        buffer = ""
        try:
            while True:
                part = asyncio.run_coroutine_threadsafe(parts.get(), self._loop).result(PATIENCE)
                buffer += part.replace("\r\n", "\n")
                while "\n\n" in buffer:
                    message, _, buffer = buffer.partition("\n\n")
                    fields = [line.partition(": ") for line in message.splitlines()]
                    if found := {name: value for name, _, value in fields if name}:
                        yield found
        finally:
            task.cancel()

    async def _live(self, started: threading.Event) -> None:
        sent: asyncio.Queue[str] = asyncio.Queue()
        await sent.put("lifespan.startup")

        async def receive() -> dict[str, str]:
            return {"type": await sent.get()}

        async def send(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set()

        task = asyncio.create_task(self._app({"type": "lifespan"}, receive, send))
        await self._end.wait()
        await sent.put("lifespan.shutdown")
        await task

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        start: dict[str, Any] = {}
        content = bytearray()

        async def send(message: Any) -> None:
            start.update(message if message["type"] == "http.response.start" else {})
            content.extend(message.get("body", b""))

        await self._app(self._scope(method, path, headers), _receive(body), send)
        found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Response(start["status"], found, content.decode())

    async def _stream(self, path: str, put: Callable[[str], Any]) -> None:
        async def send(message: Any) -> None:
            await put(message.get("body", b"").decode())

        with suppress(asyncio.CancelledError):
            await self._app(self._scope("GET", path, {}), _receive(b""), send)

    def _scope(self, method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        usual = {"host": f"127.0.0.1:{PORT}"} | ({"cookie": self.cookie} if self.cookie else {})
        parts = urlsplit(f"http://host{path}")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in {**usual, **headers}.items()],
            "server": ("127.0.0.1", PORT),
            "client": ("127.0.0.1", 5000),
        }


def until(find: Callable[[], Any]) -> Any:
    """Return what a function finds; call it again until that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def _receive(body: bytes) -> Callable[[], Any]:
    sent = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for each in sent:
            return each
        await asyncio.Event().wait()  # the client never disconnects
        return {"type": "http.disconnect"}

    return receive


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
