"""Attach the delivery code to MiniStack; the patches of IAM are in `iam_patches`."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import asyncio
import contextvars
import json
import logging
import queue
import time
from dataclasses import dataclass
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import eventbridge, lambda_svc

from local_cloud.delivery import failure_records
from local_cloud.delivery.caller_registry import Caller, new_trace
from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.rule_target import EVENT_AGE, RETRY_ATTEMPTS, Handover
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack import iam_patches
from local_cloud.ministack.emulator import request_id as asynchronous_id
from local_cloud.ministack.version_check import IncompatibleError

_log = logging.getLogger("local_cloud")


def install(parts: Parts) -> None:
    """Attach the adapter. Once per process, before the first request."""
    _bound_executions(parts)
    _name_executions(parts)
    _keep_workers()
    _take_whole_logs()
    _queue_events(parts)
    iam_patches.install()
    _kill_publishers(parts)


def _bound_executions(parts: Parts) -> None:
    """Synchronous executions wait for a turn, unless a function of ours waits for them."""
    execute = lambda_svc._execute_function
    # MiniStack calls itself again where a function lives in another region.
    admitted = contextvars.ContextVar("admitted", default=False)

    def bounded(func: dict[str, Any], event: Any) -> Any:
        func = _as_reserved(func)
        queued = asynchronous_id.get() or admitted.get()
        if queued or parts.callers.current() or _on_event_loop():
            return execute(func, event)
        with parts.gate.turn():
            token = admitted.set(True)
            try:
                return execute(func, event)
            finally:
                admitted.reset(token)

    lambda_svc._execute_function = bounded


def _as_reserved(func: dict[str, Any]) -> dict[str, Any]:
    """A published version shares its function's reserved concurrency; MiniStack's knows of none."""
    base, _, _ = lambda_svc._get_base_func_record_for_ref(func["config"]["FunctionArn"])
    if not base or "concurrency" in func:
        return func
    return {**func, "concurrency": base.get("concurrency")}


def _on_event_loop() -> bool:
    """Whether this thread serves requests, and so must never wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _name_executions(parts: Parts) -> None:
    """Each execution has its own trace, its invocation's id, and errors as Lambda words them."""
    dispatch = lambda_svc._execute_function_dispatch
    trace_of, invoke = lambda_svc._xray_trace_id_for_invocation, lambda_runtime.Worker.invoke

    def identified(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        request_id = asynchronous_id.get() or request_id
        result = dispatch(func, config, event, request_id, started)
        if result.get("error") and isinstance(result.get("body"), dict):
            result["body"] = failure_records.error_payload(
                result["body"], result.get("log", ""), request_id
            )
        return result

    def traced(config: dict[str, Any], inbound_trace_header: str | None = None) -> Any:
        return trace_of(config, inbound_trace_header) or new_trace()

    def registered(worker: Any, event: Any, request_id: str, **rest: Any) -> Any:
        def kill() -> None:
            if (process := worker._proc) is not None:
                process.kill()

        with parts.callers.running(rest.get("trace_id"), Caller(worker.func_name, kill)):
            return invoke(worker, event, request_id, **rest)

    lambda_svc._execute_function_dispatch = identified
    lambda_svc._xray_trace_id_for_invocation = traced
    lambda_runtime.Worker.invoke = registered


def _keep_workers() -> None:
    """A process outlives its handler's error, as on AWS: the next event meets no cold start."""
    invoke, end, wait_for = (
        lambda_runtime.Worker.invoke,
        lambda_runtime._signal,
        lambda_runtime._collect,
    )
    spared: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("spared")

    def sparing(worker: Any, event: Any, request_id: str, **rest: Any) -> Any:
        processes: list[Any] = []
        deadline = time.monotonic() + worker.config.get("Timeout", 30)
        token = spared.set(processes)
        try:
            response = invoke(worker, event, request_id, **rest)
        finally:
            spared.reset(token)
        for process in processes:
            # A trace comes from the process itself: it caught the error, and waits for more.
            if "trace" in response and process.poll() is None and time.monotonic() < deadline:
                with worker._lock:
                    worker._proc = process
            else:
                end(process)
                wait_for(process, time.monotonic() + lambda_runtime._REAP_GRACE)
        return response

    def spare(process: Any) -> None:
        processes = spared.get(None)
        if processes is None:
            end(process)
        else:
            processes.append(process)

    def wait_unless_spared(process: Any, deadline: float) -> None:
        if process not in (spared.get(None) or []):
            wait_for(process, deadline)

    lambda_runtime.Worker.invoke = sparing
    lambda_runtime._signal = spare
    lambda_runtime._collect = wait_unless_spared


_OVER = "\x00 over \x00"
_ANSWER = "\n        _real_stdout.flush()\n\nrun()\n"
"""Where MiniStack's worker script hands over the answer of an invocation."""

_NEXT_LINE_SECONDS = 0.05


def _take_whole_logs() -> None:
    """An invocation's log is all that its process wrote.

    MiniStack takes what comes until nothing has come for 5 ms; on a busy machine the last line then
    comes with the next invocation. Here the process writes a mark before it answers.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if _ANSWER not in script:
        msg = "MiniStack's worker script does not end as it did."
        raise IncompatibleError(msg)
    mark = f"\n        print({_OVER!r}, file=sys.stderr, flush=True)"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_ANSWER, f"{mark}{_ANSWER}")

    def until_the_mark(
        worker: Any,
        first_line_wait: float = 0.0,  # noqa: ARG001 - MiniStack's own parameters
        idle_confirm: float = 0.0,  # noqa: ARG001
        hard_cap: float = 1.0,
    ) -> str:
        lines: list[str] = []
        deadline = time.monotonic() + hard_cap  # a process that died wrote no mark
        while time.monotonic() < deadline:
            try:
                line = worker._stderr_queue.get(timeout=_NEXT_LINE_SECONDS)
            except queue.Empty:
                if not worker._stderr_thread.is_alive():
                    break
                continue
            lines += [rest] if (rest := line.removesuffix(_OVER)) else []
            if line.endswith(_OVER):  # perhaps behind a line that the handler did not end
                break
        return "\n".join(lines)

    lambda_runtime.Worker._drain_stderr_bounded = until_the_mark


@dataclass(frozen=True)
class _Match:
    """A rule that matched an event, and the target it is for."""

    target: dict[str, Any]
    rule: dict[str, Any]
    event: dict[str, Any]


_match: contextvars.ContextVar[_Match | None] = contextvars.ContextVar("match", default=None)


def _queue_events(parts: Parts) -> None:
    """Events for functions take Lambda's asynchronous queue, whoever sends them."""
    invoke_target = eventbridge._invoke_target

    def remembering(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        view = view or eventbridge._pattern_event_view(event)
        token = _match.set(_Match(target, rule or {}, view.event_with_detail()))
        try:
            invoke_target(target, event, rule, view)
        finally:
            _match.reset(token)

    def hand_over(arn: str, payload: str) -> None:
        match = _match.get()
        if match is None:
            msg = f"an event for {arn} came without its rule"
            raise RuntimeError(msg)
        parts.targets.deliver(_handover(arn, payload, match))

    def enqueue(func: dict[str, Any], event: Any) -> None:
        arn = func["config"]["FunctionArn"]
        if (function := parts.cloud.function(arn)) is None:
            _log.error("an event for %s is dropped: there is no such function", arn)
            return
        parts.invoker.submit(function, event)

    eventbridge._invoke_target = remembering
    eventbridge._dispatch_to_lambda = hand_over
    lambda_svc.invoke_async_with_retry = enqueue


def _handover(arn: str, payload: str, match: _Match) -> Handover:
    """What MiniStack knows of a delivery, in our terms."""
    try:
        content = json.loads(payload)
    except ValueError:
        content = payload
    target, rule_arn = match.target, match.rule.get("Arn", "")
    policy = target.get("RetryPolicy") or {}
    return Handover(
        rule_arn=rule_arn,
        rule_name=match.rule.get("Name", ""),
        target_arn=arn,
        payload=content,
        raw=json.dumps(match.event),
        origin=Origin.of(match.event, rule=match.rule.get("Name", "")),
        role_arn=target.get("RoleArn", "") if ":scheduler:" in rule_arn else "",
        dead_letter=(target.get("DeadLetterConfig") or {}).get("Arn", ""),
        retries=policy.get("MaximumRetryAttempts", RETRY_ATTEMPTS),
        event_age=policy.get("MaximumEventAgeInSeconds", EVENT_AGE),
    )


def _kill_publishers(parts: Parts) -> None:
    """The trouble switch may kill a function just before its events reach the bus."""
    publish = eventbridge._put_events

    def killable(data: Any, allow_aws_source: bool = False) -> Any:  # noqa: FBT001, FBT002
        caller = parts.callers.current()
        if caller and parts.switch.kills(caller.function):
            _log.warning("%s: killed before it published, on purpose", caller.function)
            caller.kill()
            return error_response_json("InternalFailure", "The caller was killed.", 500)
        return publish(data, allow_aws_source)

    eventbridge._put_events = killable
