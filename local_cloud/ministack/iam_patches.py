"""Patches of MiniStack's IAM: it checks the same actions, resources and keys as AWS."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
import json
import logging
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway, iam, lambda_svc, sqs

from local_cloud.delivery.caller_registry import Callers
from local_cloud.delivery.permission_log import PermissionLog, Use
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack import iam_condition_keys, iam_put_events, iam_resources
from local_cloud.ministack.emulator import API_GATEWAY, delivering, may_invoke, role_of
from local_cloud.ministack.lambda_functions import mappings

_log = logging.getLogger("local_cloud")


def install(parts: Parts) -> None:
    """Attach all of it. Once per process, before the first request."""
    _record_uses(parts.permissions, parts.callers)
    _authorise_entries()
    _name_resources()
    _complete_requests()
    _name_roles()
    _judge_deliveries_once()
    _ask_for_apis()
    _name_denied_resources()


def _record_uses(permissions: PermissionLog, callers: Callers) -> None:
    """Record what each request of a role needs, and whether the role has it."""
    evaluate, enforce = iam_evaluator.evaluate, iam_evaluator.enforce
    evaluated: contextvars.ContextVar[Any] = contextvars.ContextVar("evaluated", default=None)

    def remembering(ctx: Any, *policies: Any) -> Any:
        evaluated.set(ctx)
        return evaluate(ctx, *policies)

    def recorded(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        evaluated.set(None)
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        ctx = evaluated.get()
        role = role_of(ctx.principal_arn) if ctx else None
        if role and ":role/" in role:
            caller = callers.current()
            keys = service_context or {}
            permissions.note(
                Use(
                    role=role.rpartition("/")[2],
                    function=caller.function if caller else "",
                    action=iam_action,
                    resource=resource_arn,
                    source=keys.get("events:source", ""),
                    detail_type=keys.get("events:detail-type", ""),
                    allowed=denied is None,
                )
            )
        return denied

    iam_evaluator.evaluate = remembering
    iam_evaluator.enforce = recorded


_entries: contextvars.ContextVar[list[dict[str, Any]]] = contextvars.ContextVar(
    "entries",
    default=[],  # noqa: B039 - never changed
)


def _authorise_entries() -> None:
    """Authorise each entry of a PutEvents with its own source and detail type."""
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
            # On AWS a batch needs the same permission as a single message.
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
    """Check the action and the resource that AWS checks."""
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
    """Evaluate all condition keys that our policies name, and check iam:PassRole."""
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
        if iam_action.endswith("EventSourceMapping"):
            context |= _function_of_mapping(resource_arn)
        denied = enforce(access_key_id, iam_action, service, region, resource_arn, context)
        passed = iam_condition_keys.passed_role(iam_action, _request_body.get())
        if denied is not None or passed is None:
            return denied
        role, keys = passed
        return enforce(access_key_id, "iam:PassRole", "iam", region, role, keys)

    iam_actions.request_tag_context = with_keys
    iam_evaluator.enforce = with_role


def _function_of_mapping(resource_arn: str) -> dict[str, str]:
    """Return `lambda:FunctionArn` of a new or an existing event source mapping."""
    existing = resource_arn.rpartition(":event-source-mapping:")[2]
    arn = mappings.function_arn(existing)
    if not arn:
        reference = iam_condition_keys.function_of_mapping(_request_body.get())
        name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
        arn = lambda_svc._func_arn(name) + (f":{qualifier}" if qualifier else "") if name else ""
    return {"lambda:FunctionArn": arn} if arn else {}


def _name_roles() -> None:
    """Make aws:PrincipalArn of an assumed role the role's ARN, not the session's."""
    resolve = iam_evaluator._resolve_condition_key

    def with_roles(key: str, ctx: Any) -> Any:
        value = resolve(key, ctx)
        return role_of(value) if key.lower() == "aws:principalarn" else value

    iam_evaluator._resolve_condition_key = with_roles


def _judge_deliveries_once() -> None:
    """Do not check a delivery to a queue twice: the adapter has checked it as its sender's."""
    enforce = sqs._enforce_queue_policy

    def unless_delivering(queue: dict[str, Any], iam_action: str) -> None:
        if not delivering.get():
            enforce(queue, iam_action)

    sqs._enforce_queue_policy = unless_delivering


def _ask_for_apis() -> None:
    """Let an HTTP API invoke a function or alias only if its policy allows it; else respond 500."""
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


NAME_THEIR_RESOURCE = {"dynamodb", "events", "lambda"}
"""Services whose refusals name the resource on AWS, but not in MiniStack. Source: IAM User Guide,
"Troubleshoot access denied error messages"."""


def _name_denied_resources() -> None:
    """Name the missing permission and its resource in a refusal."""
    respond = iam_actions.access_denied_response

    def naming(service: str, action: str, principal_arn: str, *rest: Any, **named: Any) -> Any:
        resource = named.get("resource_arn", "*")
        if service in NAME_THEIR_RESOURCE and resource != "*" and not named.get("message"):
            named["message"] = iam_actions.identity_denial_message(
                action, principal_arn, resource, named.get("explicit_deny", False)
            )
        return respond(service, action, principal_arn, *rest, **named)

    iam_actions.access_denied_response = naming
