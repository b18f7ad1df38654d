"""Which function's process a request comes from.

Every execution has a trace id of its own, as on AWS, and boto3 sends it along with every request
a function makes. So the id distinguishes a function's requests from a person's, and one process
of a function from its other ones.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_ROOT = re.compile(r"Root=([^;]+)")

trace_header: ContextVar[str] = ContextVar("trace_header", default="")
"""The X-Amzn-Trace-Id of the current request."""


def new_trace() -> str:
    """Return a trace id in the format of Lambda without active tracing."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"


@dataclass(frozen=True)
class Caller:
    """A running execution.

    Attributes:
        function: the function's name.
        kill: ends its process at once.
        request_id: the invocation's id.
    """

    function: str
    kill: Callable[[], None]
    request_id: str = ""


class Callers:
    """The executions that run at this moment, by their trace. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Caller] = {}

    @contextmanager
    def running(self, trace: str | None, caller: Caller) -> Iterator[None]:
        """Register the caller while the context lasts."""
        root = _root(trace or "")
        if not root:
            yield
            return
        with self._lock:
            self._running[root] = caller
        try:
            yield
        finally:
            with self._lock:
                del self._running[root]

    def current(self) -> Caller | None:
        """Return the sender of the current request; None if no function of the stack sent it."""
        with self._lock:
            return self._running.get(_root(trace_header.get()))


def _root(trace: str) -> str:
    found = _ROOT.search(trace)
    return found[1] if found else ""
