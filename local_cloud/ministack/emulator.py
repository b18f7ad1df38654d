"""The `Cloud` of the delivery code, on MiniStack. Reads and calls its private names."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import asyncio
import contextvars
import logging
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import cloudwatch, iam, lambda_svc, sqs

from local_cloud.delivery.emulator_port import (
    EVENT_AGE_LIMIT,
    DeliveryError,
    Ending,
    Execution,
    Function,
)

_log = logging.getLogger("local_cloud")

EVENTS = "events.amazonaws.com"
API_GATEWAY = "apigateway.amazonaws.com"

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The id of the asynchronous invocation being attempted: the same for all its attempts."""

delivering: contextvars.ContextVar[bool] = contextvars.ContextVar("delivering", default=False)
"""Whether a message is on its way that a queue's policy has been asked about already."""

_SESSION = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+")

_ACCOUNT, _REGION = 4, 3
"""Where an ARN has them."""

_LOOP_TIMEOUT = 30.0

T = TypeVar("T")


class MiniStackCloud:
    """Implements `local_cloud.delivery.emulator_port.Cloud`."""

    def function(self, arn: str) -> Function | None:
        """The function with this ARN, as MiniStack has it now."""
        record, config, name = lambda_svc._get_func_record_for_ref(arn)
        base, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
        if not record or not config or not base:
            return None
        _, qualifier = lambda_svc._resolve_name_and_qualifier(arn)
        settings = lambda_svc._event_invoke_config(
            base, None if qualifier == "$LATEST" else qualifier
        )
        settings = settings or {}
        destination = (settings.get("DestinationConfig") or {}).get("OnFailure") or {}
        retries = settings.get("MaximumRetryAttempts")
        return Function(
            arn=arn,
            name=name,
            version=config.get("Version", "$LATEST"),
            reserved=lambda_svc._reserved_concurrency(base, base["config"]),
            retries=2 if retries is None else int(retries),
            event_age=float(settings.get("MaximumEventAgeInSeconds") or EVENT_AGE_LIMIT),
            on_failure=destination.get("Destination") or "",
            dead_letter=(config.get("DeadLetterConfig") or {}).get("TargetArn") or "",
        )

    def execute(self, function: Function, event: Any, invocation_id: str) -> Execution:
        """Run it through MiniStack's executor, which throttles and writes the logs."""
        record, config, name = lambda_svc._get_func_record_for_ref(function.arn)
        if not record or not config:
            return Execution(Ending.SERVICE_ERROR)
        runnable = lambda_svc._execution_record_for_config(
            record, {**config, "FunctionArn": function.arn}
        )
        runnable["concurrency"] = function.reserved
        started = time.monotonic()
        token = request_id.set(invocation_id)
        try:
            result = lambda_svc._execute_function(runnable, event)
        except Exception:  # noqa: BLE001 - whatever it is, AWS would call it a service error
            _log.exception("%s: could not be run", name)
            return Execution(Ending.SERVICE_ERROR, seconds=time.monotonic() - started)
        finally:
            request_id.reset(token)
        seconds = time.monotonic() - started
        if result.get("throttle"):
            return Execution(Ending.THROTTLED, _throttle(result.get("body")), seconds)
        raised = bool(result.get("error"))
        lambda_svc._emit_lambda_metrics(
            name, duration_ms=seconds * 1000, error=raised, throttle=False
        )
        ending = Ending.RAISED if raised else Ending.RETURNED
        return Execution(ending, result.get("body"), seconds)

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        """By the role, if there is one (a schedule's); else by the function's own policy."""
        if role_arn:
            return self._role_may(role_arn, "lambda:InvokeFunction", "lambda", function_arn)
        return may_invoke(EVENTS, function_arn, source_arn)

    def send_as_function(
        self, function: Function, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue, if the function's role may."""
        _, config, _ = lambda_svc._get_func_record_for_ref(function.arn)
        role = (config or {}).get("Role", "")
        if not self._role_may(role, "sqs:SendMessage", "sqs", queue_arn):
            msg = f"the role {role} may not sqs:SendMessage to {queue_arn}"
            raise DeliveryError(msg)
        self._send(queue_arn, body, attributes)

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue, if its policy admits EventBridge for this rule."""
        account = _part(rule_arn, _ACCOUNT)
        if not sqs.queue_policy_allows(queue_arn, EVENTS, rule_arn, account):
            msg = f"{queue_arn} is missing, or its policy does not admit {EVENTS} for {rule_arn}"
            raise DeliveryError(msg)
        self._send(queue_arn, body, attributes)

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        """Add one to a metric of MiniStack's CloudWatch."""
        cloudwatch.record_metric(namespace, metric, 1, "Count", dimensions)

    def _send(self, queue_arn: str, body: str, attributes: dict[str, Any]) -> None:
        queue = sqs._queue_by_arn(queue_arn)
        if queue is None:
            msg = f"{queue_arn} is not an SQS queue of this cloud"
            raise DeliveryError(msg)
        message = {"MessageBody": body, "MessageAttributes": attributes}
        token = delivering.set(True)
        try:
            on_loop(lambda: sqs._act_send_message(message, queue["url"]))
        except sqs._Err as error:
            raise DeliveryError(error.message) from error
        finally:
            delivering.reset(token)

    @staticmethod
    def _role_may(role_arn: str, action: str, service: str, resource_arn: str) -> bool:
        """Whether a role's policies, with the resource's own, allow an action."""
        account, name = _part(role_arn, _ACCOUNT), role_arn.rpartition("/")[2]
        limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
        context = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service}",
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource_arn,
            region=_part(resource_arn, _REGION),
        )
        result = iam_evaluator.evaluate(
            context, iam_evaluator._gather_role_policies(name, account), *limits
        )
        found = iam_evaluator._resource_policy(service, resource_arn)
        if found is not None:
            result = iam_evaluator.combine_resource_policy(result, context, *found, limits=limits)
        return bool(result.decision == "Allow")


def may_invoke(service: str, function_arn: str, source_arn: str) -> bool:
    """Whether a function's own policy admits a service of AWS.

    Versions and aliases have policies of their own: here each statement names which one it is for.
    """
    base, _, _ = lambda_svc._get_base_func_record_for_ref(function_arn)
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=_part(source_arn, _REGION),
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": _part(source_arn, _ACCOUNT),
        },
    )
    policy = (base or {}).get("policy")
    result = iam_evaluator.evaluate_resource_policy(policy, context, service=service)
    return bool(result.decision == "Allow")


def role_of(principal_arn: Any) -> Any:
    """The ARN of the role that a session assumed; any other principal's as it is."""
    session = _SESSION.fullmatch(principal_arn) if isinstance(principal_arn, str) else None
    return "arn:{}:iam::{}:role/{}".format(*session.groups()) if session else principal_arn


def on_loop(action: Callable[[], T]) -> T:
    """Do something in the server's own thread, the only one that may change a queue."""
    loop = app._MAIN_LOOP
    try:
        inside = asyncio.get_running_loop() is loop
    except RuntimeError:
        inside = False
    if inside:
        return action()
    context = contextvars.copy_context()

    async def run() -> T:
        return context.run(action)

    return asyncio.run_coroutine_threadsafe(run(), loop).result(_LOOP_TIMEOUT)


def _part(arn: str, index: int) -> str:
    """One of the colon-separated parts of an ARN; empty when it has too few."""
    parts = arn.split(":", 5)
    return parts[index] if len(parts) > index else ""


def _throttle(body: Any) -> dict[str, str]:
    """A throttle's payload, named as a function's error is."""
    message = body.get("message", "") if isinstance(body, dict) else ""
    return {"errorType": "TooManyRequestsException", "errorMessage": message}
