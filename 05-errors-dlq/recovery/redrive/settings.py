"""Which queues and consumers there are."""

import json
from collections.abc import Mapping

from orderflow.errors import SettingsError
from recovery.redrive.dead_letter import FAILED, UNDELIVERED
from recovery.redrive.queues import Queue

VARIABLE = "CONSUMERS"


def queues_and_functions(
    urls: Mapping[str, Mapping[str, str]], functions: Mapping[str, str]
) -> tuple[list[Queue], dict[str, str]]:
    """Return the dead-letter queues, and consumer key → the function to invoke.

    Args:
        urls: consumer key → `{"undelivered": url, "failed": url}`, as Terraform's output
            `dead_letter_queue_urls` has it.
        functions: function key → what Lambda is to invoke, a name, `name:alias` or an ARN; of the
            consumers and perhaps of others.

    Raises:
        SettingsError: A consumer lacks its function or one of its queues.
    """
    queues, consumers = [], {}
    for consumer in urls:
        if not (function := functions.get(consumer)):
            raise SettingsError(f"consumer {consumer} has no function")
        consumers[consumer] = function
        for kind in (UNDELIVERED, FAILED):
            if not urls[consumer].get(kind):
                raise SettingsError(f"consumer {consumer} has no queue {kind}")
            queues.append(Queue(consumer, kind, urls[consumer][kind], _name(function)))
    return queues, consumers


def from_environment(environment: Mapping[str, str]) -> tuple[list[Queue], dict[str, str]]:
    """Return the same from the function's environment: `CONSUMERS`, in JSON.

    It reads `{"<key>": {"function": name or name:alias, "undelivered": url, "failed": url}, …}`.

    Raises:
        SettingsError: It is missing, or does not tell of every consumer's function and queues.
    """
    try:
        consumers = json.loads(environment.get(VARIABLE) or "")
        functions = {key: told.get("function", "") for key, told in consumers.items()}
    except (ValueError, AttributeError):
        raise SettingsError(f"{VARIABLE} is missing, or no JSON object of objects") from None
    return queues_and_functions(consumers, functions)


def _name(function: str) -> str:
    """The plain name: a dead letter may name the function with another alias, or with none."""
    after = function.partition(":function:")[2] or function
    return after.partition(":")[0]
