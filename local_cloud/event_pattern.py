"""Match event patterns as EventBridge does, without a running cloud.

The matcher is MiniStack's TestEventPattern with our patches, as on a running local cloud. It agrees
with AWS on every recorded pattern (tests/local_cloud/conformance/test_event_patterns.py).
The tools' environment has no MiniStack, so the matcher runs in the local cloud's environment. One
process matches all patterns: it starts in 0.3 s, and a match takes about a millisecond.
"""

import atexit
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

_JUDGE = Path(__file__).with_name("ministack") / "eventbridge" / "judge.py"


_ENVELOPE = {
    "version": "0",
    "id": "00000000-0000-4000-8000-000000000000",
    "account": "000000000000",
    "time": "1970-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
}
"""What EventBridge adds to an event that is put on a bus."""


class InvalidPatternError(ValueError):
    """EventBridge refuses a pattern; the message is EventBridge's."""


class Matcher:
    """Decides which events a pattern matches. Thread-safe."""

    def __init__(self, python: Path) -> None:
        """Store the interpreter; the first match starts the process.

        Args:
            python: The interpreter of the local cloud's environment.
        """
        self._python = python
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def matches(self, pattern: str | dict[str, Any], event: dict[str, Any]) -> bool:
        """Return whether a pattern matches an event.

        Args:
            pattern: An object, or text. Text keeps repeated names and the format of numbers.
            event: With source, detail-type and detail; missing fields of the envelope are added.

        Raises:
            InvalidPatternError: EventBridge refuses the pattern.
            ValueError: It refuses the event.
        """
        text = pattern if isinstance(pattern, str) else json.dumps(pattern)
        answer = self._ask(json.dumps({"pattern": text, "event": json.dumps(_ENVELOPE | event)}))
        if "Result" in answer:
            return bool(answer["Result"])
        refused = answer["message"]
        if answer["__type"] == "InvalidEventPatternException":
            raise InvalidPatternError(refused)
        raise ValueError(refused)

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            if self._process is not None:
                self._process.communicate()  # it ends at the end of its input
                self._process = None

    def _ask(self, question: str) -> Any:
        with self._lock:
            process = self._process or self._start()
            assert process.stdin is not None  # noqa: S101 - pipes, as asked for
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(question + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

    def _start(self) -> "subprocess.Popen[str]":
        self._process = subprocess.Popen(
            [str(self._python), "-I", str(_JUDGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        atexit.register(self.close)
        return self._process
