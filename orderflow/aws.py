"""AWS clients, and calls whose failures are ours to name."""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orderflow.errors import AwsRequestError

CONNECT_SECONDS = 1
READ_SECONDS = 2
ATTEMPTS = 2

_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
)


def client(service: str) -> Any:
    """Return a boto3 client that gives up long before its function's time is over."""
    return boto3.client(service, config=_CONFIG)


def call(operation: Callable[..., Any], **parameters: Any) -> Any:
    """Make a request of a boto3 client.

    Raises:
        AwsRequestError: It failed. botocore's own text is left out: it may quote what was sent.
    """
    try:
        return operation(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise AwsRequestError(f"{error.operation_name}: {code}") from None
    except BotoCoreError as error:
        raise AwsRequestError(type(error).__name__) from None
