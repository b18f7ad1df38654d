"""Which queues and consumers there are."""

import json
import re
from collections.abc import Mapping

from orderflow.errors import SettingsError
from recovery.redrive.dead_letter import FAILED, UNDELIVERED, UNPROCESSED
from recovery.redrive.queues import Queue

VARIABLE = "CONSUMERS"

_ARN = re.compile(r"(arn:[\w-]+:lambda:[\w-]+:[0-9]{12}:function:[\w-]+)(?::[\w$-]+)?")
"""A function's ARN, perhaps with a version or alias: a dead letter may name it with another."""


def queues_and_functions(
    urls: Mapping[str, Mapping[str, str]], functions: Mapping[str, str]
) -> tuple[list[Queue], dict[str, str]]:
    """Return the dead-letter queues, and consumer key → the function to invoke.

    Args:
        urls: consumer key → `{"undelivered": url, "failed": url}`, as Terraform's output
            `dead_letter_queue_urls` has it; with `unprocessed` if the consumer has a buffer.
        functions: function key → the ARN that Lambda is to invoke, of the function or of its
            alias; of the consumers and perhaps of others.

    Raises:
        SettingsError: A consumer lacks its function's ARN or one of its queues.
    """
    queues, consumers = [], {}
    for consumer in urls:
        function = functions.get(consumer)
        if not (function and (arn := _ARN.fullmatch(function))):
            raise SettingsError(f"consumer {consumer} has no function, or it is no ARN")
        consumers[consumer] = function
        for kind in (UNDELIVERED, FAILED, *({UNPROCESSED} & urls[consumer].keys())):
            if not urls[consumer].get(kind):
                raise SettingsError(f"consumer {consumer} has no queue {kind}")
            queues.append(Queue(consumer, kind, urls[consumer][kind], arn[1]))
    return queues, consumers


def from_environment(environment: Mapping[str, str]) -> tuple[list[Queue], dict[str, str]]:
    """Return the same from the function's environment: `CONSUMERS`, in JSON.

    It reads `{"<key>": {"function": ARN, "undelivered": url, "failed": url}, …}`.

    Raises:
        SettingsError: It is missing, or lacks a consumer's function or queues.
    """
    try:
        consumers = json.loads(environment.get(VARIABLE) or "")
        functions = {key: each.get("function", "") for key, each in consumers.items()}
    except (ValueError, AttributeError):
        raise SettingsError(f"{VARIABLE} is missing, or no JSON object of objects") from None
    return queues_and_functions(consumers, functions)
