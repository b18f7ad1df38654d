"""Execution environments of Python functions.

AWS: an error of the module has its own type and no request id; an exit reads as its status or
signal; an environment survives its handler's error, has one log stream, and its log holds START,
the function's output, one event for an error, END and REPORT. MiniStack 1.5.33 has one type of
error, ends the process after each, gives each invocation a new stream, and logs only what arrives
within 5 ms.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextlib
import contextvars
import json
import queue
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from local_cloud.delivery import invocation_log, python_runtime
from local_cloud.delivery.caller_registry import Caller
from local_cloud.delivery.invocation_log import Invocation
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.logs import ingestion, streams
from local_cloud.ministack.replacing import replace

START_SECONDS = 60.0
"""The most seconds of a start. AWS allows 10 seconds; this machine may be busy."""


def install(parts: Parts) -> None:
    """Run Python functions in our environments."""
    program = Path(python_runtime.__file__).read_text(encoding="utf-8")
    lambda_runtime._PYTHON_WORKER_SCRIPT = f"{lambda_runtime.INVOKE_DEPTH_BOOTSTRAP}\n{program}"
    class_for, warm = lambda_runtime._worker_class_for, lambda_svc._execute_function_warm
    emit = lambda_svc._emit_lambda_logs

    def chosen_class(config: dict[str, Any]) -> Any:
        return PythonWorker if _is_python(config) else class_for(config)

    def execute(func: dict[str, Any], event: Any, request_id: str) -> Any:
        if not _is_python(func["config"]) or not func.get("code_zip"):
            return warm(func, event, request_id)
        return _execute(parts, func, event, request_id)

    def emitted(func: dict[str, Any], request_id: str, *rest: Any, log_source: Any = None) -> None:
        if not isinstance(log_source, Invocation):  # ours is written already
            emit(func, request_id, *rest, log_source=log_source)

    replace(lambda_runtime, "_worker_class_for", lambda _: chosen_class)
    replace(lambda_svc, "_execute_function_warm", lambda _: execute)
    replace(lambda_svc, "_emit_lambda_logs", lambda _: emitted)


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _execute(parts: Parts, func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """Run an invocation in a free environment, and write its log."""
    config = func["config"]
    trace = lambda_svc._xray_trace_id_for_invocation(config)
    request = {
        "event": event,
        "request_id": request_id,
        "arn": config["FunctionArn"],
        "timeout": config["Timeout"],
        "environment": _environment(trace),
    }
    lambda_svc._ensure_reaper_thread()
    worker, _ = lambda_runtime.acquire_worker(
        config["FunctionName"], config, func["code_zip"], qualifier=config["Version"]
    )
    try:
        with parts.callers.running(trace, Caller(worker.func_name, worker.end, request_id)):
            done, answer = worker.run(request)
    finally:
        lambda_runtime.release_worker(worker)
    stream = worker.log_stream
    ingestion.later(lambda: streams.write(config, stream, [*done.init(), *done.events]))
    return {
        "body": answer if done.error is None else done.error,
        "error": done.error is not None,
        "log": done.tail().decode(errors="ignore"),
        "log_source": done,
    }


def _environment(trace: str | None) -> dict[str, str | None]:
    """Return the environment variables that change with each invocation."""
    depth, durable = lambda_svc._invoke_depth.get(), lambda_svc._durable_env_overlay()
    return {
        "_X_AMZN_TRACE_ID": trace,
        lambda_runtime.INVOKE_DEPTH_ENV: None if depth is None else str(depth),
        **{name: durable.get(name) for name in lambda_runtime.DURABLE_ENV_VARS},
    }


class PythonWorker(lambda_runtime.Worker):  # type: ignore[misc] # MiniStack has no types
    """One execution environment: a process that runs one invocation after the other.

    A process that died is started again in the same environment, as on AWS.
    """

    def __init__(self, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        self.log_stream = invocation_log.stream_name(config["Version"], new_uuid().replace("-", ""))
        variables = (config.get("Environment") or {}).get("Variables") or {}
        named = {**variables, python_runtime.LOG_STREAM: self.log_stream}
        super().__init__(func_name, {**config, "Environment": {"Variables": named}}, code_zip)
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._log_read = 0
        """How many bytes of its log file are read."""

    def run(self, request: dict[str, Any]) -> tuple[Invocation, Any]:
        """Run one invocation; return how it went, and what the handler returned."""
        with self._lock:
            started, begun = _now(), time.monotonic()
            failure, start_seconds = None, None
            if self._proc is None or self._proc.poll() is not None:
                failure = self._start(request["request_id"])
                start_seconds, begun = time.monotonic() - begun, time.monotonic()
            answer: dict[str, Any] = {"error": failure} if failure else self._answer(request)
            seconds = time.monotonic() - begun
            done = Invocation(
                request_id=request["request_id"],
                version=self.config["Version"],
                memory=self.config["MemorySize"],
                started=started,
                ended=_now(),
                lines=self._lines(started),
                error=answer.get("error"),
                seconds=seconds,
                start_seconds=start_seconds,
                memory_used=answer.get("memory", 0),
                runtime=self.config["Runtime"],
                region=self.config["FunctionArn"].split(":")[3],
            )
            return done, answer.get("result")

    def end(self) -> None:
        """Kill the process, if there is one."""
        if (process := self._proc) is not None:
            process.kill()

    def _start(self, request_id: str) -> dict[str, Any] | None:
        """Start the process and load the function; return the error if that fails."""
        if "." not in self.config["Handler"]:
            reason = "not enough values to unpack (expected 2, got 1)"
            message = f"Bad handler '{self.config['Handler']}': {reason}"
            return python_runtime.FaultError("MalformedHandlerName", message).payload
        failures: list[Exception] = []
        self._log_read = 0  # a new process has a new folder

        def spawn() -> None:
            try:
                self._spawn()
            except Exception as error:  # noqa: BLE001 - it is examined below
                failures.append(error)

        run, timeout = contextvars.copy_context().run, self.config["Timeout"]
        starter = threading.Thread(target=run, args=(spawn,), daemon=True)
        starter.start()
        starter.join(START_SECONDS + timeout)
        if starter.is_alive():
            self.end()
            starter.join()
            return invocation_log.timeout_error(request_id, timeout)
        if failures:
            return self._failure(failures[0], request_id)
        self._answers = queue.SimpleQueue()
        reading = (self._proc.stdout, self._answers)
        threading.Thread(target=_read_answers, args=reading, daemon=True).start()
        return None

    def _failure(self, error: Exception, request_id: str) -> dict[str, Any]:
        """Describe a start that failed; `error` is how MiniStack words it."""
        if self._proc is None:
            raise error
        status = self._proc.wait()
        _, reported, text = str(error).partition("Worker init failed: ")
        if reported:
            payload: dict[str, Any] = json.loads(text)
            return payload
        # MiniStack's thread and MiniStack itself have read the interpreter's own lines.
        self._stderr_thread.join(START_SECONDS)
        for line in str(error).partition("stderr: ")[2].splitlines():
            self._stderr_queue.put(line)
        return invocation_log.exit_error(request_id, status)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the process; return its answer, or the error that it ended with."""
        request_id, process = request["request_id"], self._proc
        try:
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
            line = self._answers.get(timeout=self.config["Timeout"])
        except queue.Empty:
            process.kill()
            process.wait()
            return {"error": invocation_log.timeout_error(request_id, self.config["Timeout"])}
        except OSError:  # it ended before it read the request
            line = None
        if line is None:
            return {"error": invocation_log.exit_error(request_id, process.wait())}
        answer: dict[str, Any] = json.loads(line)
        if "requestId" in answer.get("error", {}):
            answer["error"]["requestId"] = request_id
        return answer

    def _lines(self, started: int) -> list[tuple[int, str]]:
        """Return what was written since the invocation before.

        Args:
            started: When the invocation started: the time of lines without one of their own.
        """
        text = self._drain_stderr()  # what the interpreter wrote before the program began
        if self._tmpdir is not None:
            # There is no file if the process did not get so far.
            with (
                contextlib.suppress(FileNotFoundError),
                Path(self._tmpdir, python_runtime.LOG).open("rb") as file,
            ):
                file.seek(self._log_read)
                written = file.read()
                self._log_read += len(written)
                text = f"{text}\n{written.decode(errors='replace')}"
        return invocation_log.lines_in(text, started)


def _read_answers(answers: Iterable[str], found: "queue.SimpleQueue[str | None]") -> None:
    """Take the answers of one process; None is its end."""
    for line in answers:
        found.put(line)
    found.put(None)


def _now() -> int:
    return int(time.time() * 1000)
