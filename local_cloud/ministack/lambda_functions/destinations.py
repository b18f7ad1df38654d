"""Settings of asynchronous invocations: destinations and dead-letter queues that can work.

AWS: a destination exists, is not the function itself, and the function's role may use it;
UpdateFunctionEventInvokeConfig changes what is given. MiniStack 1.5.33 accepts all but a malformed
ARN, and has no UpdateFunctionEventInvokeConfig.

Sources: LocalStack's recorded answers (TestLambdaEventInvokeConfig); Lambda Developer Guide,
"Capturing records of Lambda asynchronous invocations" (permissions, no FIFO queues).
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local_cloud.ministack import destinations
from local_cloud.ministack.lambda_functions import answers
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.replacing import replace

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")

_NO_FUNCTION = "The function doesn't exist."


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "_create_function", _checked_creation)
    replace(lambda_svc, "_update_config", _checked_change)
    replace(lambda_svc, "_put_event_invoke_config", lambda _: _put)
    replace(lambda_svc, "_get_event_invoke_config", lambda _: _get)
    replace(lambda_svc, "_delete_event_invoke_config", lambda _: _delete)


def _checked_creation(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(data: dict[str, Any]) -> Any:
        return _refused_dead_letters(data, data.get("Role", "")) or create(data)

    return created


def _checked_change(change: Callable[..., Any]) -> Callable[..., Any]:
    def changed(name: str, data: dict[str, Any]) -> Any:
        config = (lambda_svc._functions.get(name) or {}).get("config", {})
        role = data.get("Role") or config.get("Role", "")
        return _refused_dead_letters(data, role) or change(name, data)

    return changed


def update(reference: str, given: str, body: bytes) -> Answer:
    """Answer UpdateFunctionEventInvokeConfig.

    Args:
        reference: The function's name or ARN.
        given: The qualifier beside it, or empty.
        body: The request's body, JSON.
    """
    name, derived = lambda_svc._resolve_request_scoped_name_and_qualifier(reference)
    qualifier = derived or given or None
    if lambda_svc._functions.get(name) is None:
        return answers.missing(_NO_FUNCTION)
    current = _stored(name, qualifier)
    if current is None:
        return _not_configured(name, qualifier)
    kept = {key: current[key] for key in _SETTINGS if key in current}
    return _put(name, qualifier, {**kept, **json.loads(body or b"{}")})


def _put(func_name: str, qualifier: str | None, data: dict[str, Any]) -> Answer:
    given = {key: data[key] for key in _SETTINGS if data.get(key) is not None}
    if not given:
        return answers.invalid(
            "You must specify at least one of error handling or destination setting."
        )
    func = lambda_svc._functions.get(func_name)
    if not lambda_svc._function_qualifier_exists(func, qualifier):
        return answers.missing(_NO_FUNCTION)
    _, config = lambda_svc._effective_func_record_for_qualifier(func, qualifier)
    config_of = {"OnSuccess": {}, "OnFailure": {}, **given.get("DestinationConfig", {})}
    if refused := _refused_destinations(config_of, func_name, config):
        return refused
    settings = {
        **given,
        "DestinationConfig": config_of,
        "FunctionArn": _arn(func_name, qualifier),
        "LastModified": int(time.time()),
    }
    func.setdefault("event_invoke_configs", {})[_key(qualifier)] = settings
    func["event_invoke_config"] = None if qualifier else settings
    answer: Answer = lambda_svc.json_response(settings)
    return answer


def _get(func_name: str, qualifier: str | None = None) -> Answer:
    settings = _stored(func_name, qualifier)
    if settings is None:
        return _not_configured(func_name, qualifier)
    answer: Answer = lambda_svc.json_response(settings)
    return answer


def _delete(func_name: str, qualifier: str | None = None) -> Answer:
    if _stored(func_name, qualifier) is None:
        return _not_configured(func_name, qualifier)
    func = lambda_svc._functions[func_name]
    func.get("event_invoke_configs", {}).pop(_key(qualifier), None)
    if not _key(qualifier):
        func["event_invoke_config"] = None
    return 204, {}, b""


def _stored(name: str, qualifier: str | None) -> dict[str, Any] | None:
    func = lambda_svc._functions.get(name) or {}
    found: dict[str, Any] | None = lambda_svc._event_invoke_config(func, _key(qualifier) or None)
    return found


def _key(qualifier: str | None) -> str:
    return "" if qualifier in {None, "$LATEST"} else str(qualifier)


def _arn(name: str, qualifier: str | None) -> str:
    return f"{lambda_svc._func_arn(name)}:{qualifier or '$LATEST'}"


def _not_configured(name: str, qualifier: str | None) -> Answer:
    return answers.missing(
        f"The function {_arn(name, qualifier)} doesn't have an EventInvokeConfig"
    )


def _refused_destinations(
    settings: dict[str, Any], name: str, config: dict[str, Any]
) -> Answer | None:
    """Return the answer to a destination that cannot work."""
    for when in ("OnSuccess", "OnFailure"):
        arn = (settings[when] or {}).get("Destination")
        if not arn:
            continue
        kind = destinations.kind_of(arn)
        if kind is None:
            shown = {
                key: (settings[key] or {}).get("Destination") for key in ("OnSuccess", "OnFailure")
            }
            inner = ", ".join(
                f"{key[0].lower()}{key[1:]}=" + (f"{key}(destination={value})" if value else "null")
                for key, value in shown.items()
            )
            return answers.invalid(
                f"The provided destination config DestinationConfig({inner}) is invalid."
            )
        if kind == "lambda" and arn.split(":")[6] == name:
            return answers.invalid("You can't specify the function as a destination for itself.")
        if not destinations.exists(arn):
            return answers.invalid(f"The destination ARN {arn} is invalid.")
        if not destinations.role_may_use(config["Role"], arn):
            action = destinations.ACTIONS[kind].partition(":")[2]
            return answers.invalid(
                f"The function's execution role does not have permissions to call {action} on {arn}"
            )
    return None


def _refused_dead_letters(data: dict[str, Any], role: str) -> Answer | None:
    """Return the answer to a dead-letter queue that the function's role may not use."""
    arn = (data.get("DeadLetterConfig") or {}).get("TargetArn") or ""
    kind = destinations.kind_of(arn)
    if kind not in {"sqs", "sns"} or destinations.role_may_use(role, arn):
        return None  # anything else is MiniStack's to refuse
    action = destinations.ACTIONS[kind].partition(":")[2]
    return answers.invalid(
        f"The provided execution role does not have permissions to call {action} on {kind.upper()}"
    )
