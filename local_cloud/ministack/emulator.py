"""The `Cloud` of the delivery code, on MiniStack. Reads and calls its private names."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import asyncio
import contextvars
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import uuid4

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import cloudwatch, eventbridge, lambda_svc, sns, sqs, stepfunctions

from local_cloud.delivery.emulator_port import (
    EVENT_AGE_LIMIT,
    DeliveryError,
    Ending,
    EventSource,
    Execution,
    Function,
    QueuedMessage,
)
from local_cloud.delivery.permission_log import PermissionLog, Use
from local_cloud.ministack import destinations, roles
from local_cloud.ministack.sqs import queue_messages

_log = logging.getLogger("local_cloud")

EVENTS = "events.amazonaws.com"
API_GATEWAY = "apigateway.amazonaws.com"

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
"""The id of the current asynchronous invocation: the same for all its attempts."""

delivering: contextvars.ContextVar[bool] = contextvars.ContextVar("delivering", default=False)
"""Whether the queue's policy has already allowed the current message."""

_SESSION = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+")

_LOOP_TIMEOUT = 30.0

T = TypeVar("T")


class MiniStackCloud:
    """Implements `local_cloud.delivery.emulator_port.Cloud`.

    Args:
        permissions: Records which permissions of roles AWS's services use.
    """

    def __init__(self, permissions: PermissionLog) -> None:
        self._permissions = permissions

    def function(self, arn: str) -> Function | None:
        """Return the function with this ARN and its current settings."""
        record, config, name = lambda_svc._get_func_record_for_ref(arn)
        base, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
        if not record or not config or not base:
            return None
        _, qualifier = lambda_svc._resolve_name_and_qualifier(arn)
        settings = lambda_svc._event_invoke_config(
            base, None if qualifier == "$LATEST" else qualifier
        )
        settings = settings or {}
        targets = settings.get("DestinationConfig") or {}
        retries = settings.get("MaximumRetryAttempts")
        return Function(
            arn=arn,
            name=name,
            version=config.get("Version", "$LATEST"),
            reserved=lambda_svc._reserved_concurrency(base, base["config"]),
            retries=2 if retries is None else int(retries),
            event_age=float(settings.get("MaximumEventAgeInSeconds") or EVENT_AGE_LIMIT),
            on_success=(targets.get("OnSuccess") or {}).get("Destination") or "",
            on_failure=(targets.get("OnFailure") or {}).get("Destination") or "",
            dead_letter=(config.get("DeadLetterConfig") or {}).get("TargetArn") or "",
        )

    def execute(self, function: Function, event: Any, invocation_id: str) -> Execution:
        """Run it with MiniStack's executor, which throttles and writes the logs."""
        base, _, name = lambda_svc._get_base_func_record_for_ref(function.arn)
        record, config = lambda_svc._effective_func_record_for_qualifier(base, function.version)
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
        ending = Ending.RAISED if raised else Ending.RETURNED
        # Only our own environments measure a cold start; see `lambda_functions.environments`.
        start_seconds = getattr(result.get("log_source"), "start_seconds", None) or 0.0
        return Execution(ending, result.get("body"), seconds, start_seconds)

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        """Decide by the role, if there is one (a schedule's), else by the function's own policy."""
        if role_arn:
            return self._may(role_arn, "lambda:InvokeFunction", function_arn)
        return may_invoke(EVENTS, function_arn, source_arn)

    def send_as_function(
        self, function: Function, target_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue or topic, if the function's role may."""
        self._permit(function, target_arn)
        if destinations.kind_of(target_arn) != "sns":
            self._send(target_arn, body, attributes)
        elif destinations.exists(target_arn):
            on_loop(
                lambda: sns._fanout(target_arn, str(uuid4()), body, "", "", _of_topic(attributes))
            )
        else:
            msg = f"{target_arn} is not an SNS topic of this cloud"
            raise DeliveryError(msg)

    def publish_as_function(self, function: Function, entry: dict[str, Any]) -> None:
        """Put an event on a bus, if the function's role may."""
        self._permit(function, entry["EventBusName"])
        _, _, body = on_loop(lambda: eventbridge._put_events({"Entries": [entry]}))
        if json.loads(body).get("FailedEntryCount") != 0:
            msg = f"{entry['EventBusName']} does not take the event: {body.decode()}"
            raise DeliveryError(msg)

    def may_invoke_as_function(self, function: Function, target_arn: str) -> bool:
        """Decide by the function's role and the target's policy."""
        return self._function_may_use(function, target_arn)

    def _permit(self, function: Function, target_arn: str) -> None:
        if not self._function_may_use(function, target_arn):
            msg = f"the role {_role(function)} may not send to {target_arn}"
            raise DeliveryError(msg)

    def _function_may_use(self, function: Function, target_arn: str) -> bool:
        kind = destinations.kind_of(target_arn)
        return kind is not None and self._may(
            _role(function), destinations.ACTIONS[kind], target_arn, function.name
        )

    def _may(self, role_arn: str, action: str, resource_arn: str, function: str = "") -> bool:
        """Return whether a role has a permission, and record that it is used."""
        allowed = roles.may(role_arn, action, action.partition(":")[0], resource_arn)
        role = role_arn.rpartition("/")[2]
        self._permissions.note(Use(role, function, action, resource_arn, allowed=allowed))
        return allowed

    def deliver_as_events(
        self, rule_arn: str, target_arn: str, content: str, *, role_arn: str, group: str
    ) -> None:
        """Send an event to a queue, a topic or a state machine that allows the rule or the role."""
        service = roles.part(target_arn, roles.SERVICE)
        exists, allowed, action = {
            "sqs": (sqs._queue_by_arn, sqs.queue_policy_allows, "sqs:SendMessage"),
            "sns": (sns._topic_by_arn_any_scope, topic_admits, "sns:Publish"),
            "states": (stepfunctions._resolve_state_machine_arn, None, "states:StartExecution"),
        }.get(service, (lambda _: None, None, ""))
        if exists(target_arn) is None:
            msg = f"{target_arn} does not exist"
            raise DeliveryError(msg, missing=True)
        if role_arn or allowed is None:
            permitted = self._may(role_arn, action, target_arn)
        else:
            permitted = allowed(target_arn, EVENTS, rule_arn, roles.part(rule_arn, roles.ACCOUNT))
        if not permitted:
            msg = f"{role_arn or EVENTS} is not authorized to perform {action} on {target_arn}"
            raise DeliveryError(msg)
        if service == "sqs":
            message_id = self._send(target_arn, content, {}, group)
            rule = rule_arn.rpartition("/")[2]
            on_loop(lambda: queue_messages.note_rule(target_arn, message_id, rule))
        elif service == "sns":
            on_loop(lambda: sns.publish_internal(target_arn, content))
        else:
            execution = {"stateMachineArn": target_arn, "input": content}
            on_loop(lambda: stepfunctions._start_execution(execution))

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        """Send to a queue, if its policy allows EventBridge for this rule."""
        account = roles.part(rule_arn, roles.ACCOUNT)
        if not sqs.queue_policy_allows(queue_arn, EVENTS, rule_arn, account):
            msg = f"{queue_arn} is missing, or its policy does not allow {EVENTS} for {rule_arn}"
            raise DeliveryError(msg)
        self._send(queue_arn, body, attributes)

    def event_sources(self) -> Sequence[EventSource]:
        """Return the enabled mappings of queues."""
        return queue_messages.mappings()

    def visibility_timeout(self, queue_arn: str) -> float:
        """Return a queue's visibility timeout; 0 if there is no queue."""
        return queue_messages.visibility_timeout(queue_arn)

    def visible(self, queue_arn: str) -> tuple[int, float]:
        """Return how many messages are visible, and the seconds that the oldest waits."""
        return on_loop(lambda: queue_messages.visible(queue_arn))

    def buffered(self, source: EventSource) -> int:
        """Return how many messages wait for a function that exists."""
        exists = self.function(source.function_arn) is not None
        return queue_messages.held(source.queue_arn) if exists else 0

    def receive_as_function(
        self, function: Function, queue_arn: str, most: int
    ) -> list[QueuedMessage]:
        """Receive messages, if the function's role may."""
        self._consume(function, queue_arn, "sqs:ReceiveMessage")
        return on_loop(lambda: queue_messages.receive(queue_arn, most))

    def delete_as_function(
        self, function: Function, queue_arn: str, messages: Sequence[QueuedMessage]
    ) -> None:
        """Delete messages, if the function's role may."""
        self._consume(function, queue_arn, "sqs:DeleteMessage")
        on_loop(lambda: queue_messages.delete(queue_arn, messages))

    def hide(self, queue_arn: str, messages: Sequence[QueuedMessage], seconds: float) -> None:
        """Make received messages visible again after some seconds."""
        on_loop(lambda: queue_messages.hide(queue_arn, messages, seconds))

    def limit_invisibility(self, queue_arn: str, seconds: float) -> None:
        """Make every received message visible after these seconds, at the latest."""
        on_loop(lambda: queue_messages.limit_invisibility(queue_arn, seconds))

    def postpone(self, queue_arn: str, message: QueuedMessage, seconds: float) -> None:
        """Put a received message back, as if it had not been received."""
        on_loop(lambda: queue_messages.postpone(queue_arn, message, seconds))

    def repeat_message(self, queue_arn: str, message: QueuedMessage, seconds: float) -> str:
        """Put a copy of a message into its queue; return its id."""
        return on_loop(lambda: queue_messages.repeat(queue_arn, message, seconds))

    def wake_pollers(self) -> None:
        """Wake MiniStack's thread that polls all event sources."""
        sqs.esm_wake.set()

    def _consume(self, function: Function, queue_arn: str, action: str) -> None:
        """Check that the function's role may use a queue.

        Raises:
            DeliveryError: It may not.
        """
        if not self._may(_role(function), action, queue_arn, function.name):
            msg = f"the role {_role(function)} may not perform {action} on {queue_arn}"
            raise DeliveryError(msg)

    def measure(
        self, namespace: str, metric: str, dimensions: dict[str, str], value: float, unit: str
    ) -> None:
        """Add a value to a metric of MiniStack's CloudWatch."""
        cloudwatch.record_metric(namespace, metric, value, unit, dimensions)

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        """Add one to a metric of MiniStack's CloudWatch."""
        self.measure(namespace, metric, dimensions, 1, "Count")

    def _send(self, queue_arn: str, body: str, attributes: dict[str, Any], group: str = "") -> str:
        """Send a message that the queue's policy allows; return its id."""
        queue = sqs._queue_by_arn(queue_arn)
        if queue is None:
            msg = f"{queue_arn} is not an SQS queue of this cloud"
            raise DeliveryError(msg)
        message = {"MessageBody": body, "MessageAttributes": attributes}
        if group:
            unique = hashlib.sha256(body.encode()).hexdigest()
            message |= {"MessageGroupId": group, "MessageDeduplicationId": unique}
        token = delivering.set(True)
        try:
            sent = on_loop(lambda: sqs._act_send_message(message, queue["url"]))
            return str(sent["MessageId"])
        except sqs._Err as error:
            raise DeliveryError(error.message) from error
        finally:
            delivering.reset(token)


def may_invoke(service: str, function_arn: str, source_arn: str) -> bool:
    """Return whether a function's own policy allows an AWS service.

    Versions and aliases have their own policies. Each statement here names its version or alias.
    """
    base, _, _ = lambda_svc._get_base_func_record_for_ref(function_arn)
    policy = (base or {}).get("policy")
    return _admits(policy, service, "lambda:InvokeFunction", function_arn, source_arn)


def topic_admits(topic_arn: str, service: str, source_arn: str, _account: str = "") -> bool:
    """Return whether a topic exists and its policy allows an AWS service for a source.

    The default policy of a topic does not allow services. MiniStack's own check assumes that it
    allows the owner's services.
    """
    found = sns.topic_policy_for_arn(topic_arn)
    return bool(found) and _admits(found[0], service, "sns:Publish", topic_arn, source_arn)


def _admits(policy: Any, service: str, action: str, resource_arn: str, source_arn: str) -> bool:
    """Return whether a resource's policy allows an AWS service for a source, such as a rule."""
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=roles.part(source_arn, roles.REGION),
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": roles.part(source_arn, roles.ACCOUNT),
        },
    )
    result = iam_evaluator.evaluate_resource_policy(policy, context, service=service)
    return bool(result.decision == "Allow")


def role_of(principal_arn: Any) -> Any:
    """Return the ARN of a session's role; any other principal's ARN as it is."""
    session = _SESSION.fullmatch(principal_arn) if isinstance(principal_arn, str) else None
    return "arn:{}:iam::{}:role/{}".format(*session.groups()) if session else principal_arn


def on_loop(action: Callable[[], T]) -> T:
    """Run a call in the server's own thread, the only one that may change a queue."""
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


def _role(function: Function) -> str:
    """Return the ARN of a function's current role."""
    _, config, _ = lambda_svc._get_func_record_for_ref(function.arn)
    return str((config or {}).get("Role", ""))


def _of_topic(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return a queue's message attributes in a topic's format."""
    return {
        name: {"Type": value["DataType"], "Value": value["StringValue"]}
        for name, value in attributes.items()
    }


def _throttle(body: Any) -> dict[str, str]:
    """Return a throttle's payload, in the format of a function's error."""
    message = body.get("message", "") if isinstance(body, dict) else ""
    return {"errorType": "TooManyRequestsException", "errorMessage": message}
