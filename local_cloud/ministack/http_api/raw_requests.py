"""HTTP APIs: a path's last slash counts, and a body that is not UTF-8 is not damaged.

On AWS `POST /orders/` does not match the route `POST /orders` (storacha/w3infra#166 and
aws/serverless-application-model#1949 met it). A body that is not valid UTF-8 reaches the function
in Base64 here, as that of a binary content type does; AWS may put U+FFFD in the place of bytes.
"""

import contextvars
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import apigateway

from local_cloud.ministack.replacing import replace

_binary: contextvars.ContextVar[bool] = contextvars.ContextVar("binary", default=False)
"""Whether the current request has a body that is not UTF-8."""

_NO_PATH = ""
"""The path behind a URL's first segment, where not even a slash follows."""


def install() -> None:
    """Attach the patches."""
    replace(app, "_parse_execute_api_url", _with_the_last_slash)
    replace(app, "_resolve_stage_and_path", _on_the_default_stage)
    replace(apigateway, "_v2_request_body_is_text", _unless_binary)
    replace(apigateway, "_invoke_lambda_proxy", _with_binary_flag)


def _with_the_last_slash(parse: Callable[..., Any]) -> Callable[..., Any]:
    def parsed(host: str, path: str) -> Any:
        found = parse(host, path)
        if found and found[2] == "/" and not path.endswith("/"):
            return (*found[:2], _NO_PATH)
        return found

    return parsed


def _on_the_default_stage(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolved(api_id: str, first: str, rest: str) -> tuple[str, str]:
        stage, path = resolve(api_id, first, rest or "/")
        return stage, f"{path}/" if rest == "/" and path == f"/{first}" else path

    return resolved


def _unless_binary(is_text: Callable[..., Any]) -> Callable[..., Any]:
    def judged(content_type: str | None) -> bool:
        return bool(is_text(content_type)) and not _binary.get()

    return judged


def _with_binary_flag(invoke: Callable[..., Any]) -> Callable[..., Any]:
    async def invoked(  # noqa: PLR0913, PLR0917 - MiniStack's own parameters
        integration: Any,
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: Any,
        body: bytes,
        *rest: Any,
        **named: Any,
    ) -> Any:
        token = _binary.set(not _is_utf8(body))
        try:
            return await invoke(
                integration, api_id, stage, path, method, headers, body, *rest, **named
            )
        finally:
            _binary.reset(token)

    return invoked


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
