"""AWS clients, and calls whose failures are ours to name."""

import re
from collections.abc import Callable
from typing import Any

from orderflow.errors import AwsRequestError
from orderflow.startup import collector_paused

with collector_paused():
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS = 1
READ_SECONDS = 2
ATTEMPTS = 2

_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    user_agent="orderflow",
)
"""Without an own user agent, boto3 puts one together from sixteen parts for each request. That is a
tenth of a function's CPU time for an event (shipping: 0.95 ms, with it 0.83, without a network)."""

_DENIED = re.compile(
    r"User: arn:[a-z-]+:sts::\d+:assumed-role/([\w.-]+)/\S+ is not authorized to perform: "
    r"([a-z0-9-]+:[A-Za-z0-9]+)(?: on resource: (arn:[\w:/.*-]+))?( with an explicit deny)?",
    re.ASCII,
)
"""IAM's refusal of a role's request; an action and an ARN hold no data of an order."""


def client(service: str) -> Any:
    """Return a boto3 client that gives up long before its function's time is over."""
    with collector_paused():
        return boto3.client(service, config=_CONFIG)


def call(operation: Callable[..., Any], **parameters: Any) -> Any:
    """Make a request of a boto3 client.

    Raises:
        AwsRequestError: It failed. AWS's own text is left out, because it may quote what was
            sent; except for the role, action and ARN that it names when a permission is missing.
    """
    try:
        return operation(**parameters)
    except ClientError as error:
        answer = error.response["Error"]
        message = f"{error.operation_name}: {answer['Code']}{_denied(answer.get('Message', ''))}"
        raise AwsRequestError(message) from None
    except BotoCoreError as error:
        raise AwsRequestError(type(error).__name__) from None


def _denied(text: str) -> str:
    """Return which permission a role lacks, or is denied, if AWS's text says that; else nothing."""
    found = _DENIED.match(text)
    if not found:
        return ""
    role, action, resource, deny = found.groups()
    has = "has an explicit deny of" if deny else "has no"
    return f": role {role} {has} {action}" + (f" on {resource}" if resource else "")
