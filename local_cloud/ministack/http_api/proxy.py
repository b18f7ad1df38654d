"""An HTTP API and its function: requests and responses as on AWS.

AWS: a client gets `Internal Server Error`, `Service Unavailable` or `Forbidden`, without the
function's error. The function gets separate cookies, x-forwarded headers and the ARN of the alias.
A body has at most 10 MB. MiniStack 1.5.33 sends the error with its trace, as 502, 429 or 403, and
takes a request with another `authorization` header than a signature for one of the account.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.services import apigateway, lambda_svc

from local_cloud.delivery import http_proxy
from local_cloud.ministack.replacing import replace

_CLIENT = "127.0.0.1"
"""The cloud listens on this address only."""


_function: contextvars.ContextVar[str] = contextvars.ContextVar("function", default="")
"""ARN of the function that an HTTP API is about to invoke; empty for other invocations."""

_cookie: contextvars.ContextVar[str] = contextvars.ContextVar("cookie", default="")


def install() -> None:
    """Attach it."""
    _answer_plainly()
    _complete_events()
    _forbid_plainly()


def _answer_plainly() -> None:
    """Respond to a function's failure as API Gateway does."""
    invoke = apigateway._invoke_lambda_proxy
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def converted(exec_result: Mapping[str, Any]) -> Any:
        return (
            (http_proxy.response_of(exec_result), None) if _function.get() else convert(exec_result)
        )

    async def invoked(integration: dict[str, Any], *request: Any, **named: Any) -> Any:
        api_id, stage, path, method, headers, body, *rest = request
        if body and len(body) > http_proxy.PAYLOAD_LIMIT:
            return http_proxy.plain(http_proxy.TOO_LARGE)
        uri = integration.get("integrationUri", "")
        token = _function.set(apigateway._extract_lambda_ref_from_integration_uri(uri))
        _cookie.set(headers.get("cookie", ""))
        host = f"{api_id}.execute-api.localhost"
        headers = http_proxy.complete_headers(headers, host, _CLIENT)
        try:
            return await invoke(
                integration, api_id, stage, path, method, headers, body, *rest, **named
            )
        except http_proxy.MalformedError as error:
            return http_proxy.plain(error.answer)
        finally:
            _function.reset(token)

    replace(lambda_svc, "lambda_execute_result_to_api_proxy_response", lambda _: converted)
    replace(apigateway, "_invoke_lambda_proxy", lambda _: invoked)


def _complete_events() -> None:
    """Give the function AWS's event and the ARN of its invocation."""
    execute = lambda_svc._execute_function_with_config_scope

    def completed(func: dict[str, Any], event: Any) -> Any:
        if arn := _function.get():
            event = http_proxy.complete_event(event, _cookie.get())
            if arn.startswith("arn:"):
                func = {**func, "config": {**func["config"], "FunctionArn": arn}}
        return execute(func, event)

    replace(lambda_svc, "_execute_function_with_config_scope", lambda _: completed)


def _forbid_plainly() -> None:
    """Respond to a caller without the permission, or without a signature, as API Gateway does."""
    enforce = app._enforce_execute_api

    def enforced(
        api_id: str,
        stage: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *rest: Any,
        **named: Any,
    ) -> Any:
        denied = enforce(api_id, stage, method, path, headers, *rest, **named)
        if api_id not in apigateway._apis:
            return denied
        authorization = apigateway.route_authorization_type(api_id, stage, method, path)
        if denied or (authorization == "AWS_IAM" and _has_no_signature(headers)):
            return http_proxy.plain(http_proxy.FORBIDDEN)
        return None

    replace(app, "_enforce_execute_api", lambda _: enforced)


def _has_no_signature(headers: Mapping[str, str]) -> bool:
    """Return whether the `authorization` header of a request is something else: a token, say."""
    authorization = headers.get("authorization", "")
    return bool(authorization) and not authorization.startswith("AWS4-HMAC-SHA256")
