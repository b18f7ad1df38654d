"""The private names of MiniStack that the adapter uses, and a check that they exist."""

import importlib
import inspect
from importlib.metadata import PackageNotFoundError, version

MINISTACK = "1.5.33"

_LAMBDA, _RUNTIME = "ministack.services.lambda_svc", "ministack.core.lambda_runtime"
_API, _LOGS = "ministack.services.apigateway", "ministack.services.cloudwatch_logs"
_EVENTS, _SQS = "ministack.services.eventbridge", "ministack.services.sqs"
_DYNAMODB, _CLOUDWATCH = "ministack.services.dynamodb", "ministack.services.cloudwatch"
_SCHEDULER = "ministack.services.scheduler"
_IAM, _ACTIONS = "ministack.core.iam_evaluator", "ministack.core.iam_actions"

NAMES: dict[tuple[str, str], str | None] = {
    # Replaced by `install`.
    (_LAMBDA, "_execute_function"): "func event",
    (_LAMBDA, "_execute_function_dispatch"): "func config event request_id started",
    (_LAMBDA, "_xray_trace_id_for_invocation"): "config inbound_trace_header",
    (_LAMBDA, "invoke_async_with_retry"): "func event",
    (_LAMBDA, "_execute_function_warm"): "func event request_id",
    (_LAMBDA, "_emit_lambda_logs"): "func request_id log_text error duration_ms log_source",
    (_LAMBDA, "_throttle_response"): "reason_code msg retry_after",
    (_RUNTIME, "_worker_class_for"): "config",
    (_RUNTIME, "Worker"): "func_name config code_zip",
    (_RUNTIME, "Worker._spawn"): "self",
    (_RUNTIME, "Worker._drain_stderr"): "self",
    (_API, "_invoke_lambda_proxy"): (
        "integration api_id stage path method headers body query_params route_key path_params "
        "authorizer_claims authorizer_scopes authorizer_lambda_context authorizer_iam "
        "owner_account_id owner_region raw_query_string"
    ),
    (_API, "_v2_request_body_is_text"): "content_type",
    ("ministack.app", "_parse_execute_api_url"): "host path",
    ("ministack.app", "_resolve_stage_and_path"): "api_id tentative_stage execute_path",
    ("ministack.services.cloudwatch_logs", "_append_log_events"): "stream events",
    (_EVENTS, "_invoke_target"): "target event rule view",
    (_EVENTS, "_dispatch_to_lambda"): "arn payload",
    (_EVENTS, "_put_events"): "data allow_aws_source",
    (_EVENTS, "_now_ts"): "",
    (_EVENTS, "_dispatch_to_sqs"): "spec payload sqs_parameters",
    (_EVENTS, "_dispatch_to_sns"): "arn payload",
    (_IAM, "pin_signed_request"): "method raw_path query_params raw_headers handshake",
    (_IAM, "parse_policy_document"): "doc",
    (_IAM, "_is_root_key"): "access_key_id",
    ("ministack.app", "pin_signed_request"): ("method raw_path query_params raw_headers handshake"),
    (_EVENTS, "_dispatch_to_stepfunctions"): "arn payload",
    (_EVENTS, "_dispatch_to_event_bus"): "spec event rule event_path target_input_payload",
    (_EVENTS, "_dispatch_event"): "event view",
    (_EVENTS, "_target_matches_request_scope"): "spec",
    **dict.fromkeys(
        (
            (_EVENTS, name)
            for name in (
                *("_put_rule", "_delete_rule", "_describe_rule", "_enable_rule", "_disable_rule"),
                *("_list_rules", "_put_targets", "_remove_targets", "_list_targets_by_rule"),
                *("_create_event_bus", "_delete_event_bus", "_describe_event_bus"),
                *("_list_event_buses", "_create_archive", "_update_archive", "_describe_archive"),
                *("_list_archives", "_start_replay", "_cancel_replay", "_list_replays"),
            )
        ),
        "data",
    ),
    (_EVENTS, "_archive_event"): "event view",
    (_EVENTS, "_validate_schedule_expression"): "expr",
    (_EVENTS, "_parse_cron_fields"): "expr",
    (_CLOUDWATCH, "record_metric"): "namespace metric_name value unit dimensions",
    (_CLOUDWATCH, "_evaluate_alarm"): "alarm",
    (_CLOUDWATCH, "_dispatch_alarm_actions"): "alarm old_state new_state reason",
    (_CLOUDWATCH, "_describe_alarms"): "params cbor_data is_cbor is_json",
    (_CLOUDWATCH, "_describe_alarms_for_metric"): "params cbor_data is_cbor is_json",
    (_CLOUDWATCH, "_put_metric_alarm"): "params cbor_data is_cbor is_json",
    (_SCHEDULER, "_create_schedule"): "name body",
    (_SCHEDULER, "_update_schedule"): "name body",
    (_SCHEDULER, "_tick_schedules"): "",
    (_SCHEDULER, "get_state"): "",
    (_SCHEDULER, "load_persisted_state"): "data",
    (_EVENTS, "_matches_detail"): "detail pattern",
    (_EVENTS, "_validate_numeric_threshold"): "operand_name value",
    (_EVENTS, "_validate_wildcard"): "operand",
    (_EVENTS, "_validate_anything_but_nested"): "inner operand",
    (_EVENTS, "_parse_pattern_text"): "pattern_str",
    (_EVENTS, "_test_event_pattern"): "data",
    (_EVENTS, "_event_from_test_payload"): "event_obj",
    (_IAM, "enforce"): "access_key_id iam_action service region resource_arn service_context",
    (_IAM, "_resolve_condition_key"): "key ctx",
    (_ACTIONS, "request_tag_context"): "service iam_action body params",
    (_ACTIONS, "extract_iam_action"): "service method path headers body query_params",
    (_ACTIONS, "extract_resource_arn"): (
        "service method path headers body query_params region account_id"
    ),
    (_SQS, "_enforce_queue_policy"): "q iam_action",
    ("ministack.services.s3", "_create_bucket"): "name body headers endpoint_region",
    ("ministack.services.s3", "_delete_bucket"): "name",
    ("ministack.services.s3", "_list_buckets"): "query_params signed_region",
    (_SQS, "_act_create_queue"): "data _u",
    (_SQS, "_act_set_queue_attributes"): "data qurl",
    (_SQS, "_act_send_message_batch"): "data qurl",
    (_SQS, "_act_receive_message"): "data qurl",
    (_SQS, "_act_delete_message"): "data qurl",
    (_SQS, "_act_delete_message_batch"): "data qurl",
    (_SQS, "_act_change_visibility"): "data qurl",
    (_SQS, "_act_change_visibility_batch"): "data qurl",
    (_SQS, "_validate_batch_entries"): "entries entry_name",
    (_SQS, "_collect_msgs"): "q max_n vis_timeout",
    (_SQS, "_act_delete_queue"): "data qurl",
    (_SQS, "_act_list_queues"): "data _u",
    ("ministack.services.iam", "_create_role"): "p",
    ("ministack.services.iam", "_delete_role"): "p",
    ("ministack.services.iam", "_list_roles"): "p",
    ("ministack.services.iam", "_put_role_policy"): "p",
    ("ministack.services.iam", "_delete_role_policy"): "p",
    ("ministack.services.iam", "_attach_role_policy"): "p",
    ("ministack.services.iam", "_detach_role_policy"): "p",
    (_LAMBDA, "_update_alias"): "func_name alias_name data",
    (_LAMBDA, "_poll_sqs"): "",
    (_LAMBDA, "_create_esm"): "data",
    (_LAMBDA, "_update_esm"): "esm_id data",
    (_LAMBDA, "_delete_esm"): "esm_id",
    (_SQS, "_dlq_sweep"): "q",
    ("ministack.services.cloudwatch_logs", "_filter_log_events"): "data",
    (_DYNAMODB, "_ddb_canonicalize_number"): "s",
    (_DYNAMODB, "_update_request_charge"): "expr attr_values attr_names item_before",
    (_DYNAMODB, "_transact_write_items"): "data",
    (_DYNAMODB, "_transact_get_items"): "data",
    (_DYNAMODB, "_validate_expression_attrs"): "data expression_fields size_wording",
    (_DYNAMODB, "_projection_overlap_response"): "data",
    (_DYNAMODB, "_evaluate_condition"): "expr item attr_values attr_names slot",
    (_DYNAMODB, "_apply_update_expression"): "item expr attr_values attr_names updated_attrs",
    # Called.
    (_SQS, "_get_q"): "url action",
    (_SQS, "_externalize_url"): "url",
    ("ministack.services.iam", "_p"): "params key default",
    (_LAMBDA, "handle_request"): "method path headers body query_params",
    (_LAMBDA, "_invoke"): "name event headers path_qualifier query_params",
    (_LAMBDA, "_create_function"): "data",
    (_LAMBDA, "_update_code"): "name data",
    (_LAMBDA, "_update_config"): "name data",
    (_LAMBDA, "_create_alias"): "func_name data",
    (_LAMBDA, "_get_alias"): "func_name alias_name",
    (_LAMBDA, "_delete_alias"): "func_name alias_name",
    (_LAMBDA, "_publish_version"): "name data",
    (_LAMBDA, "_check_revision"): "current data",
    (_LAMBDA, "_add_permission"): "func_name data query_params path_qualifier",
    (_LAMBDA, "_get_policy"): "func_name query_params path_qualifier",
    (_LAMBDA, "_remove_permission"): "func_name sid query_params path_qualifier",
    (_LAMBDA, "_put_event_invoke_config"): "func_name qualifier data",
    (_LAMBDA, "_get_event_invoke_config"): "func_name qualifier",
    (_LAMBDA, "_delete_event_invoke_config"): "func_name qualifier",
    (_LAMBDA, "lambda_execute_result_to_api_proxy_response"): "exec_result",
    (_LAMBDA, "_execute_function_with_config_scope"): "func event",
    ("ministack.app", "_dispatch_service_request"): (
        "method path headers body query_params request_id"
    ),
    ("ministack.app", "_enforce_execute_api"): (
        "api_id stage method execute_path headers query_params iam_action"
    ),
    (_LAMBDA, "_qualifier_from_path_or_query"): "path_qualifier query_params",
    (_LAMBDA, "_resolve_request_scoped_name_and_qualifier"): "name_or_arn",
    (_LAMBDA, "_effective_func_record_for_qualifier"): "func qualifier",
    (_LAMBDA, "_function_qualifier_exists"): "func qualifier",
    (_LAMBDA, "_policy_resource_arn"): "func_name qualifier",
    (_LAMBDA, "_func_arn"): "name",
    (_LAMBDA, "_inbound_invoke_depth"): "headers",
    (_LAMBDA, "_recursive_loop_drop"): "name func depth",
    (_LAMBDA, "_qp_first"): "query_params key default",
    ("ministack.services.sns", "_topic_by_arn_any_scope"): "topic_arn",
    ("ministack.services.sns", "_fanout"): (
        "topic_arn msg_id message subject message_structure message_attributes message_group_id "
        "message_dedup_id"
    ),
    (_EVENTS, "_event_bus_name_from_ref"): "name",
    (_LAMBDA, "_get_func_record_for_ref"): "function_ref",
    (_LAMBDA, "_get_base_func_record_for_ref"): "function_ref",
    (_LAMBDA, "_resolve_name_and_qualifier"): "name_or_arn",
    (_LAMBDA, "_event_invoke_config"): "func qualifier",
    (_LAMBDA, "_reserved_concurrency"): "func config",
    (_LAMBDA, "_execution_record_for_config"): "func config",
    (_LAMBDA, "_emit_lambda_metrics"): "function_name duration_ms error throttle",
    (_LAMBDA, "_ensure_reaper_thread"): "",
    (_LAMBDA, "_durable_env_overlay"): "",
    (_RUNTIME, "reset"): "",
    (_RUNTIME, "acquire_worker"): "func_name config code_zip qualifier max_concurrency",
    (_RUNTIME, "release_worker"): "worker",
    (_LOGS, "handle_request"): "method path headers body query_params",
    (_CLOUDWATCH, "handle_request"): "method path headers body query_params",
    (_LOGS, "_make_group_arn"): "name",
    (_LOGS, "_fanout_to_subscription_filters"): "group_name stream_name events",
    (_API, "_extract_lambda_ref_from_integration_uri"): "uri",
    (_EVENTS, "_pattern_event_view"): "event",
    (_EVENTS, "_compile_pattern"): "pattern",
    (_SCHEDULER, "_error"): "status code message",
    (_SCHEDULER, "_to_epoch"): "value",
    (_EVENTS, "_rule_key"): "rule_name bus_name",
    (_EVENTS, "_validate_target_arn"): "target",
    (_EVENTS, "_opaque_offset_encode"): "offset",
    (_EVENTS, "_opaque_offset_decode"): "token",
    (_EVENTS, "_archive_name_from_ref"): "source_arn",
    (_EVENTS, "_coerce_timestamp"): "value",
    (_EVENTS, "_matches_pattern_view"): "pattern_str view owner",
    ("ministack.services.sns", "topic_policy_for_arn"): "topic_arn",
    ("ministack.services.sns", "publish_internal"): (
        "topic_arn message subject message_structure message_attributes message_group_id "
        "message_deduplication_id"
    ),
    ("ministack.services.stepfunctions", "_resolve_state_machine_arn"): "arn",
    ("ministack.services.stepfunctions", "_start_execution"): "data",
    (_EVENTS, "_reject_json_constant"): "literal",
    (_SQS, "_queue_by_arn"): "arn",
    (_SQS, "_receive_messages_for_esm"): "queue_url max_number",
    (_SQS, "_delete_messages_for_esm"): "queue_url receipt_handles",
    (_LAMBDA, "_iter_all_esms"): "",
    (_LAMBDA, "_sqs_message_attributes_to_camel_case"): "attrs",
    (_LAMBDA, "_resolve_existing_esm_function"): "function_ref",
    (_LAMBDA, "_get_func_record_for_qualifier"): "name qualifier",
    (_SQS, "_act_send_message"): "data qurl",
    (_SQS, "queue_policy_allows"): "queue_arn service source_arn source_account",
    (_IAM, "evaluate"): "ctx policies limits",
    (_IAM, "evaluate_resource_policy"): "doc ctx service named_only direct_only",
    (_IAM, "combine_resource_policy"): "identity ctx policy owner_account required limits",
    (_IAM, "_gather_role_policies"): "role_name account_id",
    (_IAM, "_permissions_boundary"): "store name account_id",
    (_IAM, "_resource_policy"): "service resource_arn",
    (_CLOUDWATCH, "_dims_key"): "dims",
    (_CLOUDWATCH, "_dims_from_list"): "dimensions",
    (_CLOUDWATCH, "_metric_bucket"): "key",
    (_CLOUDWATCH, "_calc_stats"): "points",
    (_CLOUDWATCH, "_stat_value"): "stats stat_name points",
    (_CLOUDWATCH, "_record_history"): (
        "alarm_name old_state new_state reason alarm_type reason_data"
    ),
    (_CLOUDWATCH, "_evaluate_parent_alarms"): "child seen",
    (_CLOUDWATCH, "_is_sns_action_arn"): "action",
    (_CLOUDWATCH, "_xml"): "status root_tag inner",
    (_CLOUDWATCH, "_p"): "params key default",
    (_SQS, "_refresh_counts"): "q",
    ("ministack.app", "app"): "scope receive send",
    ("ministack.app", "_build_persistence_save_dict"): "",
    ("ministack.app", "_get_module"): "name",
    (_DYNAMODB, "_expression_size_error"): "data expression_fields wording",
    (_DYNAMODB, "_normalize_table_name"): "value",
    (_DYNAMODB, "_validate_attribute_value"): "attr_name value _depth",
    (_DYNAMODB, "_index_key_schemas"): "table",
    (_DYNAMODB, "_index_def"): "table index_name",
    (_DYNAMODB, "_index_key_lists"): "index",
    (_DYNAMODB, "_key_type_mismatch_reason"): "table attrs",
    (_DYNAMODB, "_extract_transact_op"): "transact",
    (_DYNAMODB, "_transact_write_members_error"): "data items_list",
    (_DYNAMODB, "_transact_write_action_error"): "op_type op",
    (_DYNAMODB, "_transact_validation_cancel_response"): "total val_reasons",
    # Read.
    (_DYNAMODB, "copy"): None,
    (_DYNAMODB, "_attribute_value_size"): "value",
    (_DYNAMODB, "_DDB_ITEM_MAX_BYTES"): None,
    (_DYNAMODB, "_tables"): None,
    (_DYNAMODB, "_NESTING_MSG"): None,
    ("ministack.services._dynamodb_keywords", "AWS_KEYWORDS"): None,
    (_LAMBDA, "_functions"): None,
    (_LAMBDA, "_esms"): None,
    ("ministack.services.s3", "_buckets"): None,
    (_SQS, "_queues"): None,
    (_EVENTS, "_event_buses"): None,
    (_RUNTIME, "_PYTHON_WORKER_SCRIPT"): None,
    (_RUNTIME, "INVOKE_DEPTH_BOOTSTRAP"): None,
    (_RUNTIME, "INVOKE_DEPTH_ENV"): None,
    (_RUNTIME, "DURABLE_ENV_VARS"): None,
    (_LAMBDA, "_invoke_depth"): None,
    (_LOGS, "_log_groups"): None,
    (_LOGS, "_log_events_lock"): None,
    (_EVENTS, "_SCHEDULER_TICK_INTERVAL"): None,
    (_SCHEDULER, "_SCHEDULE_TICK_INTERVAL"): None,
    (_SCHEDULER, "_schedule_last_fired"): None,
    (_SCHEDULER, "_schedules"): None,
    (_CLOUDWATCH, "_alarms"): None,
    (_CLOUDWATCH, "_metrics"): None,
    (_EVENTS, "_rules"): None,
    (_EVENTS, "_targets"): None,
    (_EVENTS, "_archives"): None,
    (_EVENTS, "_replays"): None,
    (_EVENTS, "_InvalidPattern"): None,
    (_EVENTS, "_PatternTooComplex"): None,
    (_SQS, "_Err"): None,
    (_SQS, "_HANDLERS"): None,
    (_SQS, "esm_wake"): None,
    ("ministack.services.iam", "_roles"): None,
    (_API, "_apis"): None,
    ("ministack.app", "_MAIN_LOOP"): None,
    ("ministack.app", "_state_map"): None,
}
"""Module and name, with the parameters' names; None for what is no function."""


class IncompatibleError(Exception):
    """This is not the MiniStack version that the adapter supports."""


def check() -> None:
    """Check that MiniStack has the expected version and every name that the adapter uses.

    Raises:
        IncompatibleError: It has not.
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
    """Return the problem with a name; empty if there is none."""
    thing = importlib.import_module(module)
    for part in name.split("."):
        if not hasattr(thing, part):
            return f"{module} has no {name}"
        thing = getattr(thing, part)
    if parameters is None:
        return ""
    found = " ".join(inspect.signature(thing).parameters)  # type: ignore[arg-type]
    return "" if found == parameters else f"{module}.{name} takes ({found}), not ({parameters})"
