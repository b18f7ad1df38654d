"""What AWS writes into the queues of failed events, and how a Python error reads on Lambda.

Sources: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations";
EventBridge User Guide, "Using dead-letter queues to process undelivered events".
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_cloud.delivery.emulator_port import Ending, Execution, Function

RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"

NO_PERMISSIONS = "NO_PERMISSIONS"
NO_RESOURCE = "NO_RESOURCE"
THROTTLING = "THROTTLING"

_ERROR_MESSAGE_LIMIT = 1024
"""Characters of an error message that a dead-letter attribute holds."""


def on_failure_record(
    function: Function,
    request_id: str,
    event: Any,
    *,
    condition: str,
    invocations: int,
    last: Execution | None,
) -> dict[str, Any]:
    """The invocation record that Lambda sends to an on-failure destination.

    Where the function never ran, AWS documents no response, so both parts are null.
    """
    context = None
    if last is not None:
        context = {"statusCode": 429, "executedVersion": function.version}
        if last.ending is Ending.RAISED:
            context |= {"statusCode": 200, "functionError": "Unhandled"}
        elif last.ending is Ending.SERVICE_ERROR:
            context["statusCode"] = 500
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": qualified(function),
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "requestPayload": event,
        "responseContext": context,
        "responsePayload": last.payload if last else None,
    }


def qualified(function: Function) -> str:
    """The function's ARN with its version or alias, as the record has it."""
    has_qualifier = function.arn.count(":") > function.arn.rpartition("function:")[0].count(":") + 1
    return function.arn if has_qualifier else f"{function.arn}:{function.version}"


def dead_letter_attributes(
    request_id: str, last: Execution | None, condition: str
) -> dict[str, Any]:
    """The message attributes that Lambda adds to an event in a function's dead-letter queue."""
    message = last.payload.get("errorMessage") if last and isinstance(last.payload, dict) else None
    ran = last is not None and last.ending is Ending.RAISED
    return {
        "RequestID": _text(request_id),
        "ErrorCode": {"DataType": "Number", "StringValue": "200" if ran else "429"},
        "ErrorMessage": _text(str(message or condition)[:_ERROR_MESSAGE_LIMIT]),
    }


def target_attributes(
    rule_arn: str,
    target_arn: str,
    *,
    code: str,
    message: str,
    retries: int = 0,
    exhausted: str = "",
) -> dict[str, Any]:
    """The message attributes that EventBridge adds to an event in a target's dead-letter queue.

    Args:
        rule_arn: the rule that matched.
        target_arn: the target that could not be reached.
        code: one of EventBridge's error codes.
        message: the error in words.
        retries: how often it was tried again.
        exhausted: the limit that ended the retries, by its name in the retry policy.
    """
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
    }
    if exhausted:
        attributes |= {
            "EXHAUSTED_RETRY_CONDITION": exhausted,
            "RETRY_ATTEMPTS": str(retries),
        }
    return {name: _text(value) for name, value in attributes.items()}


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


_FRAME = re.compile(r"(?m)^(?=  File )")


def error_payload(error: Mapping[str, Any], log: str, request_id: str) -> dict[str, Any]:
    """How Lambda's Python runtime words a failure that the worker reported.

    Args:
        error: errorMessage and errorType as the worker has them; its type is always the same.
        log: what the function wrote, with the traceback last.
        request_id: the invocation's.
    """
    message, kind = str(error.get("errorMessage", "")), str(error.get("errorType", ""))
    if message.startswith("Worker process died"):
        kind, message = "Runtime.ExitError", "Runtime exited without providing a reason"
    elif message.startswith("Worker init failed: "):
        kind, message = "Runtime.InitError", message.removeprefix("Worker init failed: ")
    if kind in {"Runtime.ExitError", "Sandbox.Timedout"}:
        return {
            "errorType": kind,
            "errorMessage": f"RequestId: {request_id} Error: {message}",
        }
    payload = {"errorMessage": message, "errorType": kind, "requestId": request_id}
    _, found, traceback = log.rpartition("Traceback (most recent call last):\n")
    if not found:
        return payload
    frames = _FRAME.split(traceback)[1:]
    # A traceback ends with "package.module.Type: message", or with the type alone.
    ending = frames[-1] if frames else traceback
    if name := re.search(rf"(?m)^([\w.]+)(?:: {re.escape(message)})?\s*\Z", ending):
        payload["errorType"] = name[1].rpartition(".")[2]
        frames = [*frames[:-1], ending[: name.start()]]
    # The first frame is the worker's own.
    return payload | {"stackTrace": frames[1:]}
