"""The log lines of an invocation, and of an execution environment that ended.

Sources: LocalStack's recorded logs (TestLambdaFeatures::test_invocation_type_event_error,
TestRequestIdHandling, TestLambdaErrors); Lambda Developer Guide, "Understanding the Lambda
execution environment lifecycle" and "Viewing CloudWatch logs for Lambda".
"""

import hashlib
import math
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from local_cloud.delivery.python_runtime import TIME

Event = tuple[int, str]
"""A log event: milliseconds since 1970, and its message."""

EXIT, TIMEOUT = "Runtime.ExitError", "Sandbox.Timedout"

TAIL = 4096
"""The most bytes of the log that a synchronous invocation returns."""

_NO_BREAK_SPACE = "\u00a0"

_TIME = re.compile(TIME.format(r"(\d+)"))


def stream_name(version: str, unique: str) -> str:
    """Return the name of a new execution environment's log stream."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{unique}"


def lines_in(text: str, at: int) -> list[Event]:
    """Return the lines that a function wrote, each with its time; empty ones are left out.

    Args:
        text: A part of the file that the runtime writes.
        at: The time of lines before the first one with a time.
    """
    lines: list[Event] = []
    for line in text.split("\n"):
        if times := _TIME.findall(line):
            at = int(times[-1])
        if said := _TIME.sub("", line):
            lines.append((at, said))
    return lines


def exit_error(request_id: str, status: int) -> dict[str, str]:
    """Describe a runtime that ended during an invocation.

    Args:
        request_id: The invocation's id.
        status: The exit status; below zero it is the number of the signal that ended it.
    """
    if status == 0:
        reason = "Runtime exited without providing a reason"
    elif status > 0:
        reason = f"Runtime exited with error: exit status {status}"
    else:
        reason = f"Runtime exited with error: signal: {_signal_name(-status)}"
    return {"errorType": EXIT, "errorMessage": f"RequestId: {request_id} Error: {reason}"}


def timeout_error(request_id: str, seconds: float) -> dict[str, str]:
    """Describe an invocation that exceeded its function's timeout."""
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return {"errorType": TIMEOUT, "errorMessage": message}


@dataclass(frozen=True)
class Invocation:
    """One invocation, as in its log.

    Attributes:
        request_id: Its id.
        version: The version that ran: `$LATEST` or a number.
        memory: The function's memory, in MB.
        started: The start in milliseconds since 1970.
        ended: The end in milliseconds since 1970.
        lines: The function's output.
        error: The error's payload; None if it returned.
        seconds: The duration of the handler.
        start_seconds: The duration of a cold start; None if the environment was warm.
        memory_used: The most memory it has used, in MB.
        runtime: Such as "python3.13".
        region: The function's region.
    """

    request_id: str
    version: str
    memory: int
    started: int
    ended: int
    lines: list[Event] = field(default_factory=list)
    error: Mapping[str, Any] | None = None
    seconds: float = 0.0
    start_seconds: float | None = None
    memory_used: int = 0
    runtime: str = ""
    region: str = ""

    def init(self) -> list[Event]:
        """Return the first event of an environment's stream, if this was a cold start."""
        if self.start_seconds is None:
            return []
        version = self.runtime.replace("python", "python:") + ".v1"
        digest = hashlib.sha256(version.encode()).hexdigest()
        arn = f"arn:aws:lambda:{self.region}::runtime:{digest}"
        line = f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n"
        return [(self.started, line)]

    @cached_property
    def events(self) -> list[Event]:
        """Return the events from START to REPORT."""
        written = [(at, f"{line}\n") for at, line in self.lines]
        error = [] if self.error is None else [(self.ended, self._error_text(self.error))]
        return [
            (self.started, f"START RequestId: {self.request_id} Version: {self.version}\n"),
            *written,
            *error,
            (self.ended, f"END RequestId: {self.request_id}\n"),
            (self.ended, self._report()),
        ]

    def tail(self) -> bytes:
        """Return the end of the log, as in the response to a synchronous invocation."""
        return "".join(
            message if message.endswith("\n") else f"{message}\n" for _, message in self.events
        ).encode()[-TAIL:]

    def _error_text(self, error: Mapping[str, Any]) -> str:
        kind, message = error["errorType"], error["errorMessage"]
        if kind == EXIT:
            return f"{message}\n{EXIT}\n"
        if kind == TIMEOUT:
            at = datetime.fromtimestamp(self.ended / 1000, UTC)
            clock = f"{at:%Y-%m-%dT%H:%M:%S}.{self.ended % 1000:03}Z"
            return f"{clock} {self.request_id} {message.partition(' Error: ')[2]}\n\n"
        text = f"[ERROR] {kind}: {message}" if message else f"[ERROR] {kind}"
        if "stackTrace" not in error:
            return f"{text}\n"
        frames = [line for frame in error["stackTrace"] for line in frame.splitlines()]
        indented = [
            _NO_BREAK_SPACE * (len(line) - len(line.lstrip(" "))) + line.lstrip(" ")
            for line in frames
        ]
        return "\n".join([text, "Traceback (most recent call last):", *indented])

    def _report(self) -> str:
        duration, init = self.seconds * 1000, (self.start_seconds or 0.0) * 1000
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {duration:.2f} ms",
            f"Billed Duration: {math.ceil(duration + init)} ms",
            f"Memory Size: {self.memory} MB",
            f"Max Memory Used: {self.memory_used} MB",
        ]
        if self.start_seconds is not None:
            parts.append(f"Init Duration: {init:.2f} ms")
        kind = (self.error or {}).get("errorType", "")
        if kind == TIMEOUT:
            parts.append("Status: timeout")
        elif kind.startswith("Runtime."):
            parts.append(f"Status: error\tError Type: {kind}")
        return "\t".join(parts) + "\t\n"


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or f"signal {number}").lower()
