"""The payment gateway's switch: an environment variable of the two functions that ask it."""

from collections.abc import Mapping
from typing import Any

from workshop.deployment.release import function_updates, propagation, release
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.stages import stage_of

FUNCTIONS = ("payment", "payment-refund")
VARIABLE = "GATEWAY_AVAILABLE"


def stage() -> int:
    """Return the stage that brings the gateway."""
    return stage_of(FUNCTIONS[0])


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
    live = {"Qualifier": alias} if (alias := stack.outputs.live_alias) else {}
    return {
        key: answers(client.get_function_configuration(FunctionName=name, **live))
        for key, name in _names(stack).items()
    }


def switch(stack: Stack, *, up: bool) -> None:
    """Switch the gateway for both functions, and wait until it holds.

    Where functions have versions, the switched ones become live.

    Raises:
        WorkshopError: The stack has no payment yet, or an update was not live in time.
    """
    client = stack.client("lambda")
    names = _names(stack)
    if stack.outputs.live_alias:
        release.newest_code_is_live(stack, names)
    until = function_updates.deadline()
    for name in names.values():
        now = function_updates.wait_until_updated(client, name, until)
        if answers(now) is not up:
            variables = now.get("Environment", {}).get("Variables", {})
            client.update_function_configuration(
                FunctionName=name,
                Environment={"Variables": {**variables, VARIABLE: "true" if up else "false"}},
            )
    for name in names.values():
        function_updates.wait_until_updated(client, name, until)
    if stack.outputs.live_alias and release.put_live(stack, names):
        propagation.wait(stack)


def _names(stack: Stack) -> dict[str, str]:
    there = stack.outputs.function_names
    if not set(FUNCTIONS) <= set(there):
        raise WorkshopError(
            f"The payment gateway comes with stage {stage()}. The stack is at stage {stack.stage}. "
            f"Run: make up STAGE={stage()}"
        )
    return {key: there[key] for key in FUNCTIONS}
