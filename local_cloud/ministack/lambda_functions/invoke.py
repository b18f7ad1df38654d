"""The Invoke operation: what it refuses, which version it runs, and which id it answers with.

AWS: a payload is at most 6 MiB (1 MiB asynchronously) and must be JSON; an alias with a routing
configuration runs either of two versions; the answer's request id is the one that the function
sees. MiniStack 1.5.33 runs a function with `{}` when the payload is broken, accepts any size, runs
only the alias's first version, and answers with another id.

Sources: LocalStack's recorded answers (TestLambdaFeatures, TestLambdaErrors, TestLambdaAliases);
Lambda Developer Guide, "Lambda quotas" and "Weighted alias".
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import base64
import contextvars
import json
import random
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core.concurrency import run_reentrant
from ministack.services import lambda_svc

from local_cloud.delivery import json_text
from local_cloud.ministack.lambda_functions import answers
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.lambda_functions.executions import invocation_ids
from local_cloud.ministack.replacing import replace

LIMITS = {"RequestResponse": 6_291_456, "Event": 1_048_576, "DryRun": 6_291_456}
"""How many bytes a payload may have, by the invocation's type."""

REQUEST_ID = "x-amzn-requestid"

body: contextvars.ContextVar[bytes] = contextvars.ContextVar("body", default=b"")
"""The body of the request being answered."""


def install() -> None:
    """Attach it."""
    by_ministack = lambda_svc._invoke
    dispatch = app._dispatch_service_request
    by_reference = lambda_svc._get_func_record_for_ref

    async def invoke(
        name: str,
        event: Any,
        headers: Mapping[str, str],
        path_qualifier: str | None = None,
        query_params: Mapping[str, Any] | None = None,
    ) -> Answer:
        durable = (lambda_svc._functions.get(name) or {}).get("config", {}).get("DurableConfig")
        if (durable or {}).get("Enabled"):
            answer: Answer = await by_ministack(name, event, headers, path_qualifier, query_params)
            return answer
        qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)
        return await _invoke(name, qualifier, event, headers)

    async def named(*request: Any) -> Any:
        invocation_ids.set(None)
        status, headers, content = await dispatch(*request)
        if ids := invocation_ids.get(None):
            headers[REQUEST_ID] = ids[0]
        return status, headers, content

    def weighted(function_ref: str) -> Any:
        base, _, _ = lambda_svc._get_base_func_record_for_ref(function_ref)
        _, qualifier = lambda_svc._resolve_name_and_qualifier(function_ref)
        version = _routed(base, qualifier)
        if version != qualifier:
            function_ref = f"{function_ref.removesuffix(f':{qualifier}')}:{version}"
        return by_reference(function_ref)

    replace(lambda_svc, "_invoke", lambda _: invoke)
    replace(lambda_svc, "_get_func_record_for_ref", lambda _: weighted)
    replace(app, "_dispatch_service_request", lambda _: named)


def _routed(func: dict[str, Any] | None, qualifier: str | None) -> str | None:
    """Return a version that an alias with a routing configuration leads to, else the qualifier."""
    alias = (func or {}).get("aliases", {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        if random.random() < weight:
            return str(version)
    return qualifier


async def _invoke(
    name: str, qualifier: str | None, event: Any, headers: Mapping[str, str]
) -> Answer:
    func = lambda_svc._functions.get(name)
    version = _routed(func, qualifier)
    record, config = lambda_svc._effective_func_record_for_qualifier(func, version)
    arn = lambda_svc._func_arn(name) + (f":{qualifier}" if qualifier else "")
    if record is None:
        return answers.missing(f"Function not found: {arn}")
    kind = headers.get("x-amz-invocation-type") or "RequestResponse"
    if error := _refused(kind, event):
        return error
    if kind == "DryRun":
        return 204, {}, b""
    depth = lambda_svc._inbound_invoke_depth(headers) + 1
    if dropped := lambda_svc._recursive_loop_drop(name, func, depth):
        return dropped  # type: ignore[no-any-return]
    lambda_svc._invoke_depth.set(depth)
    invocation_ids.set([])
    runnable = lambda_svc._execution_record_for_config(record, {**config, "FunctionArn": arn})
    if kind == "Event":
        lambda_svc.invoke_async_with_retry(runnable, event)
        return 202, {}, b""
    return await _run(runnable, event, headers)


def _refused(kind: str, event: Any) -> Answer | None:
    """Return the answer to a request that cannot be run."""
    content = body.get()
    if len(content) > LIMITS[kind]:
        message = (
            f"{len(content)} byte payload is too large for the {kind} invocation type "
            f"(limit {LIMITS[kind]} bytes)"
        )
        return answers.error("RequestEntityTooLargeException", message, 413)
    if event == {} and content not in {b"", b"{}"}:  # MiniStack's reading of a broken payload
        try:
            json.loads(content)
        except ValueError as error:
            return answers.no_json(error)
    return None


async def _run(runnable: dict[str, Any], event: Any, headers: Mapping[str, str]) -> Answer:
    result = await run_reentrant(
        lambda_svc._execute_function_with_config_scope,
        runnable,
        event,
        thread_name="ministack-lambda-invoke",
    )
    failed, throttled = bool(result.get("error")), bool(result.get("throttle"))
    payload = result.get("body")
    if throttled:
        again = {"Retry-After": payload["retryAfterSeconds"], "Content-Type": "application/json"}
        return 429, again, json.dumps(payload).encode()
    answer = {
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": runnable["config"]["Version"],
    }
    if (headers.get("x-amz-log-type") or "").lower() == "tail":
        answer["X-Amz-Log-Result"] = base64.b64encode(result.get("log", "").encode()).decode()
    if failed:
        answer["X-Amz-Function-Error"] = result.get("function_error") or "Unhandled"
    if not isinstance(payload, bytes):
        payload = json_text.dumps(payload).encode()
    return 200, answer, payload
