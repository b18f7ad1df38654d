"""Which private names of MiniStack the adapter relies on, and whether they are still there."""

import importlib
import inspect
from importlib.metadata import PackageNotFoundError, version

MINISTACK = "1.5.33"

_LAMBDA, _RUNTIME = "ministack.services.lambda_svc", "ministack.core.lambda_runtime"
_API = "ministack.services.apigateway"
_EVENTS, _SQS = "ministack.services.eventbridge", "ministack.services.sqs"
_IAM, _ACTIONS = "ministack.core.iam_evaluator", "ministack.core.iam_actions"

NAMES: dict[tuple[str, str], str | None] = {
    # Replaced by `install`.
    (_LAMBDA, "_execute_function"): "func event",
    (_LAMBDA, "_execute_function_dispatch"): "func config event request_id started",
    (_LAMBDA, "_xray_trace_id_for_invocation"): "config inbound_trace_header",
    (_LAMBDA, "invoke_async_with_retry"): "func event",
    (_RUNTIME, "Worker.invoke"): (
        "self event request_id trace_id depth durable invoked_function_arn"
    ),
    (_RUNTIME, "Worker._drain_stderr_bounded"): "self first_line_wait idle_confirm hard_cap",
    (_RUNTIME, "_signal"): "proc",
    (_RUNTIME, "_collect"): "proc deadline",
    (_API, "_invoke_lambda_proxy"): (
        "integration api_id stage path method headers body query_params route_key path_params "
        "authorizer_claims authorizer_scopes authorizer_lambda_context authorizer_iam "
        "owner_account_id owner_region raw_query_string"
    ),
    (_EVENTS, "_invoke_target"): "target event rule view",
    (_EVENTS, "_dispatch_to_lambda"): "arn payload",
    (_EVENTS, "_put_events"): "data allow_aws_source",
    (_IAM, "enforce"): "access_key_id iam_action service region resource_arn service_context",
    (_IAM, "_resolve_condition_key"): "key ctx",
    (_ACTIONS, "request_tag_context"): "service iam_action body params",
    (_ACTIONS, "extract_iam_action"): "service method path headers body query_params",
    (_ACTIONS, "extract_resource_arn"): (
        "service method path headers body query_params region account_id"
    ),
    (_SQS, "_enforce_queue_policy"): "q iam_action",
    # Called.
    (_LAMBDA, "_get_func_record_for_ref"): "function_ref",
    (_LAMBDA, "_get_base_func_record_for_ref"): "function_ref",
    (_LAMBDA, "_resolve_name_and_qualifier"): "name_or_arn",
    (_LAMBDA, "_event_invoke_config"): "func qualifier",
    (_LAMBDA, "_reserved_concurrency"): "func config",
    (_LAMBDA, "_execution_record_for_config"): "func config",
    (_LAMBDA, "_emit_lambda_metrics"): "function_name duration_ms error throttle",
    (_RUNTIME, "reset"): "",
    (_API, "_extract_lambda_ref_from_integration_uri"): "uri",
    (_EVENTS, "_pattern_event_view"): "event",
    (_SQS, "_queue_by_arn"): "arn",
    (_SQS, "_act_send_message"): "data qurl",
    (_SQS, "queue_policy_allows"): "queue_arn service source_arn source_account",
    (_IAM, "evaluate"): "ctx policies limits",
    (_IAM, "evaluate_resource_policy"): "doc ctx service named_only direct_only",
    (_IAM, "combine_resource_policy"): "identity ctx policy owner_account required limits",
    (_IAM, "_gather_role_policies"): "role_name account_id",
    (_IAM, "_permissions_boundary"): "store name account_id",
    (_IAM, "_resource_policy"): "service resource_arn",
    ("ministack.services.cloudwatch", "record_metric"): (
        "namespace metric_name value unit dimensions"
    ),
    ("ministack.app", "app"): "scope receive send",
    ("ministack.app", "_build_persistence_save_dict"): "",
    ("ministack.app", "_get_module"): "name",
    # Read.
    (_RUNTIME, "_PYTHON_WORKER_SCRIPT"): None,
    (_RUNTIME, "_REAP_GRACE"): None,
    (_SQS, "_Err"): None,
    ("ministack.services.iam", "_roles"): None,
    (_API, "_apis"): None,
    ("ministack.app", "_MAIN_LOOP"): None,
    ("ministack.app", "_state_map"): None,
}
"""Module and name, with the parameters' names; None for what is no function."""


class IncompatibleError(Exception):
    """This MiniStack is not the one the adapter was made for."""


def check() -> None:
    """Make sure that the installed MiniStack is the expected one, in every name relied on.

    Raises:
        IncompatibleError: it is not.
    """
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "none"
    if found != MINISTACK:
        msg = (
            f"The local cloud needs MiniStack {MINISTACK}, but its environment has {found}. "
            "Run `python -m workshop setup` to create it again."
        )
        raise IncompatibleError(msg)
    if wrong := [problem for key, names in NAMES.items() if (problem := _problem(*key, names))]:
        msg = f"This MiniStack {found} is not as published: {'; '.join(wrong)}."
        raise IncompatibleError(msg)


def _problem(module: str, name: str, parameters: str | None) -> str:
    """What is wrong with a name; empty when nothing is."""
    thing = importlib.import_module(module)
    for part in name.split("."):
        if not hasattr(thing, part):
            return f"{module} has no {name}"
        thing = getattr(thing, part)
    if parameters is None:
        return ""
    found = " ".join(inspect.signature(thing).parameters)  # type: ignore[arg-type]
    return "" if found == parameters else f"{module}.{name} takes ({found}), not ({parameters})"
