"""Executions: their concurrency and their ids.

AWS: a version shares its function's reserved concurrency; all attempts of an event have one request
id; each execution has a trace; a throttle's message is "Rate Exceeded.". MiniStack 1.5.33 starts a
process for each event, gives each attempt an id, and has another message.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import asyncio
import contextvars
from typing import Any

from ministack.services import lambda_svc

from local_cloud.delivery.caller_registry import new_trace
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.emulator import request_id as asynchronous_id
from local_cloud.ministack.replacing import replace

invocation_ids: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("invocation_ids")
"""The list to which an Invoke request's invocation adds its id."""


def install(parts: Parts) -> None:
    """Limit the executions, and give them ids."""
    _bound_executions(parts)
    _name_executions()
    _word_throttles()


def _bound_executions(parts: Parts) -> None:
    """Make synchronous executions wait for a free slot, unless a function waits for them."""
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

    replace(lambda_svc, "_execute_function", lambda _: bounded)


def _as_reserved(func: dict[str, Any]) -> dict[str, Any]:
    """Return a version's configuration with its function's reserved concurrency."""
    base, _, _ = lambda_svc._get_base_func_record_for_ref(func["config"]["FunctionArn"])
    if not base or "concurrency" in func:
        return func
    return {**func, "concurrency": base.get("concurrency")}


def _on_event_loop() -> bool:
    """Return whether this thread serves requests: such a thread must never wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _name_executions() -> None:
    """Give each execution its own trace and its invocation's id."""
    dispatch = lambda_svc._execute_function_dispatch
    trace_of = lambda_svc._xray_trace_id_for_invocation

    def identified(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        if asynchronous := asynchronous_id.get():
            return dispatch(func, config, event, asynchronous, started)
        if (known := invocation_ids.get(None)) is not None:
            known.append(request_id)
        return dispatch(func, config, event, request_id, started)

    def traced(config: dict[str, Any], inbound_trace_header: str | None = None) -> Any:
        return trace_of(config, inbound_trace_header) or new_trace()

    replace(lambda_svc, "_execute_function_dispatch", lambda _: identified)
    replace(lambda_svc, "_xray_trace_id_for_invocation", lambda _: traced)


def _word_throttles() -> None:
    """Use AWS's message of a throttle (LocalStack: TestLambdaConcurrency, recorded)."""
    throttle = lambda_svc._throttle_response

    def worded(reason_code: str, msg: str, retry_after: int = 1) -> Any:  # noqa: ARG001
        return throttle(reason_code, "Rate Exceeded.", retry_after)

    replace(lambda_svc, "_throttle_response", lambda _: worded)
