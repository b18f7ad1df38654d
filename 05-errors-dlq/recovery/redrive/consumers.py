"""The consumers: a port, and Lambda behind it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from recovery.redrive.dead_letter import UNKNOWN, words

ANSWER_SECONDS = 36
"""How long a consumer's answer is waited for: a cold start's 10 s, and the 25 s it may run."""

CONFIG = Config(
    connect_timeout=2,
    read_timeout=ANSWER_SECONDS,
    # A second request might run the function a second time: what fails stays in its queue.
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""Time limits of the Lambda client."""

IN_WORDS = {
    "TooManyRequestsException": "the function is busy, or its reserved concurrency is 0",
    "ResourceNotFoundException": "there is no such function",
    "AccessDeniedException": "the redrive may not invoke the function",
}
"""Lambda's codes for an event it did not take."""


def lambda_client() -> Any:
    """Return a boto3 client to invoke the consumers with."""
    return boto3.client("lambda", config=CONFIG)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a consumer did not accept an event."""

    error: str
    reason: str


class Consumers(Protocol):
    """What a redrive needs of the functions that events invoke."""

    def invoke(self, consumer: str, event: dict[str, Any]) -> Failure | None:
        """Hand an event to a consumer and wait for its answer; None if it accepted the event."""
        ...


class LambdaConsumers:
    """The consumers as Lambda functions."""

    def __init__(self, lambda_client: Any, functions: Mapping[str, str]) -> None:
        """Take a boto3 `lambda` client and consumer key → function: name, `name:alias` or ARN."""
        self._lambda = lambda_client
        self._functions = functions

    def invoke(self, consumer: str, event: dict[str, Any]) -> Failure | None:
        """See `Consumers`. Whatever is not a clear acceptance is a failure."""
        try:
            answer = self._lambda.invoke(
                FunctionName=self._functions[consumer],
                InvocationType="RequestResponse",
                Payload=json.dumps(event, allow_nan=False).encode(),
            )
            payload = answer["Payload"].read()
        except ReadTimeoutError:
            return Failure("ReadTimeoutError", "no answer in time; the function may be at work yet")
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return Failure(code, IN_WORDS.get(code, "Lambda did not take the event"))
        except BotoCoreError as error:
            return Failure(type(error).__name__, "Lambda did not answer")
        return _failure(payload) if "FunctionError" in answer else None


def _failure(payload: bytes) -> Failure:
    try:
        response = json.loads(payload)
    except (ValueError, RecursionError):
        response = None
    response = response if isinstance(response, dict) else {}
    # The same care as for the text of a dead letter: one line, short, fit for a terminal.
    return Failure(words(response.get("errorType")) or UNKNOWN, words(response.get("errorMessage")))
