"""Where a service is known to answer otherwise than its model says, with the source of each."""

from typing import Any

_LAMBDA = "LocalStack 8b9a79f0, tests/aws/services/lambda_/test_lambda_api.snapshot.json"
_DYNAMODB = "dynamodb-conformance of nubo-db, tests/tier3/error-messages"
_SQS = "LocalStack 8b9a79f0, tests/aws/services/sqs/test_sqs.snapshot.json"

NOT_CHECKED: dict[tuple[str, str], str] = {
    ("lambda", "Runtime"): (
        f"{_LAMBDA}: the function's runtime may be a runtime version's ARN, and the error is "
        "InvalidParameterValueException"
    ),
    ("lambda", "FunctionEventInvokeConfig.FunctionArn"): "an output",
    ("sqs", "QueueAttributeName"): f"{_SQS}: the error is InvalidAttributeName",
    ("sqs", "MessageSystemAttributeName"): f"{_SQS}: the error is InvalidAttributeName",
    ("sqs", "MessageSystemAttributeNameForSends"): f"{_SQS}: the error is InvalidParameterValue",
    ("dynamodb", "CreateTableInput.TableName"): f"{_DYNAMODB}/createTable.test.ts: other words",
}
"""Service and shape (its own constraints), or structure and member (that it is required).

The value is the reason, with its source. The service itself, here the emulator, answers instead.
"""

ADDED: dict[tuple[str, str], dict[str, Any]] = {
    ("dynamodb", "TableArn"): {
        # Source: dynamodb-conformance of nubo-db, tests/tier3/error-messages/putItem.test.ts.
        "max": 255,
        "pattern": "[a-zA-Z0-9_.-]+",
        "unless": "$|arn:.*",  # the model itself refuses an empty name
    },
}
"""Constraints that a service has beside its model's.

`unless`: a pattern of the values that need not satisfy them.
"""
