"""The records that AWS sends to the queues of failed events.

Sources: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations";
EventBridge User Guide, "Using dead-letter queues to process undelivered events".
"""

import json
from datetime import UTC, datetime
from typing import Any

from local_cloud.delivery.emulator_port import Ending, Execution, Function

RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"
SUCCESS = "Success"

NO_PERMISSIONS = "NO_PERMISSIONS"
NO_RESOURCE = "NO_RESOURCE"
THROTTLING = "THROTTLING"

_ERROR_MESSAGE_LIMIT = 1024
"""The most characters of an error message in a dead letter's attribute."""

_STATUS = {
    Ending.RETURNED: 200,
    Ending.RAISED: 200,
    Ending.THROTTLED: 429,
    Ending.SERVICE_ERROR: 500,
}


def destination_record(
    function: Function,
    request_id: str,
    event: Any,
    *,
    condition: str,
    invocations: int,
    last: Execution | None,
) -> dict[str, Any]:
    """Return the record that Lambda sends to a destination of an asynchronous invocation.

    If the function never ran, the record has no response (LocalStack, recorded on AWS:
    TestLambdaConcurrency::test_reserved_concurrency).
    """
    record = {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": qualified(function),
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "requestPayload": event,
    }
    if last is None:
        return record
    context = {"statusCode": _STATUS[last.ending], "executedVersion": function.version}
    if last.ending is Ending.RAISED:
        context["functionError"] = "Unhandled"
    return {**record, "responseContext": context, "responsePayload": last.payload}


def destination_event(record: dict[str, Any], bus_arn: str) -> dict[str, Any]:
    """Return a record as an entry of PutEvents, for a destination that is an event bus.

    Source: LocalStack, recorded on AWS (TestLambdaDestinationEventbridge).
    """
    context = record["requestContext"]
    result = "Success" if context["condition"] == SUCCESS else "Failure"
    return {
        "EventBusName": bus_arn,
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {result}",
        "Detail": json.dumps(record),
        "Resources": [bus_arn, context["functionArn"]],
    }


def qualified(function: Function) -> str:
    """Return the function's ARN with its version or alias, as the record has it."""
    has_qualifier = function.arn.count(":") > function.arn.rpartition("function:")[0].count(":") + 1
    return function.arn if has_qualifier else f"{function.arn}:{function.version}"


def dead_letter_attributes(
    request_id: str, last: Execution | None, condition: str
) -> dict[str, Any]:
    """Return the message attributes that Lambda adds to an event in a dead-letter queue."""
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
    """Return the message attributes that EventBridge adds to an event in a dead-letter queue.

    Args:
        rule_arn: The rule that matched.
        target_arn: The target of the failed delivery.
        code: One of EventBridge's error codes.
        message: The error message.
        retries: The number of retries.
        exhausted: The limit that ended the retries, by its name in the retry policy.
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
