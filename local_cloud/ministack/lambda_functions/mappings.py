"""Event source mappings of queues: what AWS refuses, and the states between requests.

AWS: the function's role may consume the queue; its visibility timeout is at least the function's
timeout; a batch of more than ten messages needs a batch window; a queue and a function have one
mapping. A new, changed or deleted mapping is Creating, Updating or Deleting for a moment.
MiniStack 1.5.33 checks none of it, and each state is final at once.

Sources: Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping";
LocalStack's recorded responses (test_lambda_integration_sqs, TestLambdaEventSourceMappings).
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc, sqs

from local_cloud.ministack import roles
from local_cloud.ministack.lambda_functions import answers
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.replacing import replace

_NEEDED = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_SMALL_BATCH = 10
_PASSING = 0.2
"""Seconds for which a mapping is in a state between two others."""


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "_create_esm", _checked_creation)
    replace(lambda_svc, "_update_esm", _checked_change)
    replace(lambda_svc, "_delete_esm", _passing_deletion)


def function_arn(identifier: str) -> str:
    """Return the ARN of a mapping's function, for `lambda:FunctionArn`; empty if there is none."""
    return str((lambda_svc._esms.get(identifier) or {}).get("FunctionArn", ""))


def _checked_creation(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(data: dict[str, Any]) -> Any:
        arn = data.get("EventSourceArn", "")
        if ":sqs:" not in arn:
            return create(data)
        name, qualifier, missing = lambda_svc._resolve_existing_esm_function(
            data.get("FunctionName", "")
        )
        if missing:
            return missing
        refused = _refused(name, qualifier, arn, data) or _duplicate(name, qualifier, arn)
        return refused or _passing("Creating", create(data))

    return created


def _checked_change(update: Callable[..., Any]) -> Callable[..., Any]:
    def updated(identifier: str, data: dict[str, Any]) -> Any:
        esm = lambda_svc._esms.get(identifier)
        if esm is None:
            return answers.missing("The resource you requested does not exist.")
        if ":sqs:" in esm["EventSourceArn"]:
            name, qualifier = esm["FunctionName"], esm.get("Qualifier")
            if reference := data.get("FunctionName"):
                name, qualifier, missing = lambda_svc._resolve_existing_esm_function(reference)
                if missing:
                    return missing
            refused = _refused(name, qualifier, esm["EventSourceArn"], {**esm, **data})
            if refused:
                return refused
        _, headers, body = _passing("Updating", update(identifier, data))
        return 202, headers, body

    return updated


def _passing_deletion(delete: Callable[..., Any]) -> Callable[..., Any]:
    def deleted(identifier: str) -> Any:
        if lambda_svc._esms.get(identifier) is None:
            return answers.missing("The resource you requested does not exist.")
        return delete(identifier)

    return deleted


def _passing(state: str, answer: Answer) -> Answer:
    """Show a state between two others in the answer and, for a moment, in the mapping."""
    status, headers, body = answer
    if status not in {200, 202}:
        return answer
    shown = json.loads(body)
    esm = lambda_svc._esms.get(shown["UUID"])
    final = esm["State"]
    esm["State"] = state

    def end() -> None:
        if esm["State"] == state:
            esm["State"] = final
        sqs.esm_wake.set()

    timer = threading.Timer(_PASSING, end)
    timer.daemon = True
    timer.start()
    return status, headers, json.dumps({**shown, "State": state}).encode()


def _refused(
    name: str, qualifier: str | None, arn: str, settings: Mapping[str, Any]
) -> Answer | None:
    """Return the answer to a mapping that cannot work."""
    _, config = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    for action in _NEEDED:
        if not roles.may(config["Role"], f"sqs:{action}", "sqs", arn):
            return answers.invalid(
                f"The provided execution role does not have permissions to call {action} on SQS"
            )
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        return answers.invalid(
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does "
            "not exist."
        )
    size = int(settings.get("BatchSize") or _SMALL_BATCH)
    window = int(settings.get("MaximumBatchingWindowInSeconds") or 0)
    if queue["is_fifo"] and window:
        return answers.invalid("Batching window is not supported for FIFO queues")
    if size > _SMALL_BATCH and not window:
        return answers.invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )
    visible = int(queue["attributes"].get("VisibilityTimeout", "30"))
    timeout = int(config.get("Timeout", 3))
    if visible < timeout:
        return answers.invalid(
            f"Queue visibility timeout: {visible} seconds is less than Function timeout: "
            f"{timeout} seconds"
        )
    return None


def _duplicate(name: str, qualifier: str | None, arn: str) -> Answer | None:
    """Return the answer to a second mapping of a queue and a function."""
    for esm in lambda_svc._esms.values():
        if (esm["EventSourceArn"], esm["FunctionName"], esm.get("Qualifier")) == (
            arn,
            name,
            qualifier,
        ):
            message = (
                f'The event source arn (" {arn} ") and function (" {name} ") provided mapping '
                f"already exists. Please update or delete the existing mapping with UUID "
                f"{esm['UUID']}"
            )
            return answers.error("ResourceConflictException", message, 409)
    return None
