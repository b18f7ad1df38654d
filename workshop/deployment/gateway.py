"""The payment gateway's switch: an environment variable of the two functions that ask it."""

import time
from collections.abc import Mapping
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError

FUNCTIONS = ("payment", "payment-refund")
VARIABLE = "GATEWAY_AVAILABLE"
STAGE = 2

POLL_SECONDS = 0.1
LIVE_SECONDS = 120.0
"""How long an update may take: seconds on AWS, half a second on the local cloud."""


def answers(configuration: Mapping[str, Any]) -> bool:
    """Whether the gateway answers a function with this configuration."""
    variables = configuration.get("Environment", {}).get("Variables", {})
    return str(variables.get(VARIABLE, "true")).lower() != "false"


def state(stack: Stack) -> dict[str, bool]:
    """Whether the gateway answers, by function key.

    Raises:
        WorkshopError: The stack has no payment yet.
    """
    client = stack.client("lambda")
    return {
        key: answers(client.get_function_configuration(FunctionName=name))
        for key, name in _names(stack).items()
    }


def switch(stack: Stack, *, up: bool) -> None:
    """Switch the gateway for both functions, and wait until it holds.

    Raises:
        WorkshopError: The stack has no payment yet, or an update was not live in time.
    """
    client = stack.client("lambda")
    names = _names(stack).values()
    deadline = time.monotonic() + LIVE_SECONDS
    for name in names:
        now = _settled(client, name, deadline)  # AWS refuses a second update during the first
        if answers(now) is not up:
            variables = now.get("Environment", {}).get("Variables", {})
            client.update_function_configuration(
                FunctionName=name,
                Environment={"Variables": {**variables, VARIABLE: "true" if up else "false"}},
            )
    for name in names:
        _settled(client, name, deadline)


def _names(stack: Stack) -> dict[str, str]:
    there = stack.outputs.function_names
    if not set(FUNCTIONS) <= set(there):
        raise WorkshopError(
            f"The payment gateway comes with stage {STAGE}, and this is stage {stack.stage}. "
            f"Go on with: make up STAGE={STAGE}"
        )
    return {key: there[key] for key in FUNCTIONS}


def _settled(client: Any, name: str, deadline: float) -> dict[str, Any]:
    """A function's configuration, once no update of it is under way."""
    while True:
        now: dict[str, Any] = client.get_function_configuration(FunctionName=name)
        status = now.get("LastUpdateStatus", "Successful")
        if status == "Successful":
            return now
        if status == "Failed" or time.monotonic() > deadline:
            reason = now.get("LastUpdateStatusReason") or status
            raise WorkshopError(f"The update of {name} is not live: {reason}.")
        time.sleep(POLL_SECONDS)
