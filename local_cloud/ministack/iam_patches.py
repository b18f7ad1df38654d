"""Who may do what: MiniStack's IAM, asked for what AWS's is asked for. All is replaced here."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
import json
import logging
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway, iam, sqs

from local_cloud.ministack import iam_condition_keys, iam_put_events, iam_resources
from local_cloud.ministack.emulator import API_GATEWAY, delivering, may_invoke, role_of

_log = logging.getLogger("local_cloud")


def install() -> None:
    """Attach all of it. Once per process, before the first request."""
    _authorise_entries()
    _name_resources()
    _complete_requests()
    _name_roles()
    _judge_deliveries_once()
    _ask_for_apis()


_entries: contextvars.ContextVar[list[dict[str, Any]]] = contextvars.ContextVar(
    "entries",
    default=[],  # noqa: B039 - never changed
)


def _authorise_entries() -> None:
    """Each entry of a PutEvents is authorised with its own source and detail-type."""
    tag_context, enforce = iam_actions.request_tag_context, iam_evaluator.enforce

    def remembering(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        _entries.set(iam_put_events.entries_of(body) if iam_action == iam_put_events.ACTION else [])
        return tag_context(service, iam_action, body, params)

    def by_entry(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        def check(bus: str, keys: dict[str, Any]) -> Any:
            context = {**(service_context or {}), **keys}
            return enforce(access_key_id, iam_action, service, region, bus, context)

        if service == "sqs":
            # On AWS a batch needs the same permission as one.
            iam_action = iam_action.removesuffix("Batch")
        if iam_action != iam_put_events.ACTION:
            return check(resource_arn, {})
        return iam_put_events.authorise(
            _entries.get(), resource_arn, region, get_account_id(), check
        )

    iam_actions.request_tag_context = remembering
    iam_evaluator.enforce = by_entry


_asked: contextvars.ContextVar[tuple[str, str]] = contextvars.ContextVar("asked", default=("", ""))


def _name_resources() -> None:
    """What a policy is asked for has the action and the resource that AWS asks for."""
    action_of, resource_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def path_of(role: str) -> str | None:
        return (iam._roles.get(role) or {}).get("Path")

    def named_action(service: str, method: str, path: str, *request: Any) -> str | None:
        found = action_of(service, method, path, *request)
        named = iam_resources.action(found, service, method, path)
        _asked.set((service, named or ""))
        return named

    def named_resource(service: str, *request: Any) -> str:
        *_, body, _query, region, account = request
        asked_of, action = _asked.get()
        named = (
            iam_resources.resource(action, body, region, account, path_of)
            if asked_of == service
            else None
        )
        return named or resource_of(service, *request)

    iam_actions.extract_iam_action = named_action
    iam_actions.extract_resource_arn = named_resource


_request_body: contextvars.ContextVar[bytes] = contextvars.ContextVar("request_body", default=b"")


def _complete_requests() -> None:
    """Policies compare all of a request that ours name, and nobody hands over a role unasked."""
    tag_context, enforce = iam_actions.request_tag_context, iam_evaluator.enforce

    def boundary_of(role: str) -> str | None:
        return (iam._roles.get(role) or {}).get("PermissionsBoundary") or None

    def with_keys(service: str, iam_action: str, body: bytes, params: Any) -> Any:
        _request_body.set(body)
        keys = iam_condition_keys.condition_keys(iam_action, body, boundary_of)
        return {**tag_context(service, iam_action, body, params), **keys}

    def with_role(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(service_context or {})
        if api := apigateway._apis.get(iam_condition_keys.api_id(resource_arn)):
            context |= iam_condition_keys.tag_keys("aws:ResourceTag", api.get("tags") or {})
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, context)
        passed = iam_condition_keys.passed_role(iam_action, _request_body.get())
        if denied is not None or passed is None:
            return denied
        role, keys = passed
        return enforce(access_key_id, "iam:PassRole", "iam", region, role, keys)

    iam_actions.request_tag_context = with_keys
    iam_evaluator.enforce = with_role


def _name_roles() -> None:
    """In policies, aws:PrincipalArn of an assumed role is the role's ARN, not the session's."""
    resolve = iam_evaluator._resolve_condition_key

    def with_roles(key: str, ctx: Any) -> Any:
        value = resolve(key, ctx)
        return role_of(value) if key.lower() == "aws:principalarn" else value

    iam_evaluator._resolve_condition_key = with_roles


def _judge_deliveries_once() -> None:
    """What the adapter puts in a queue was judged as its sender's, and is not once more."""
    enforce = sqs._enforce_queue_policy

    def unless_delivering(queue: dict[str, Any], iam_action: str) -> None:
        if not delivering.get():
            enforce(queue, iam_action)

    sqs._enforce_queue_policy = unless_delivering


def _ask_for_apis() -> None:
    """An HTTP API invokes a function, or an alias, whose own policy admits it; else it says 500."""
    invoke = apigateway._invoke_lambda_proxy

    async def permitted(
        integration: dict[str, Any],
        api_id: str,
        stage: str,
        path: str,
        method: str,
        *rest: Any,
        **named: Any,
    ) -> Any:
        function = apigateway._extract_lambda_ref_from_integration_uri(
            integration["integrationUri"]
        )
        api = f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api_id}"
        if not may_invoke(API_GATEWAY, function, f"{api}/{stage}/{method}{path}"):
            _log.error("the API %s may not invoke %s", api_id, function)
            content = json.dumps({"message": "Internal Server Error"}).encode()
            return 500, {"Content-Type": "application/json"}, content
        return await invoke(integration, api_id, stage, path, method, *rest, **named)

    apigateway._invoke_lambda_proxy = permitted
